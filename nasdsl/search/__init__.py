"""Search: proposals, evaluations and a store that loses nothing."""
