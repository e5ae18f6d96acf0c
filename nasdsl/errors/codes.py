"""The table of codes: what each finding is called and how much it weighs.

Purpose: one line a code, so that a code is never used for two things.
Non-goals: the long explanations; each is a text in `explanations/CODE.md`, read only by
`nasdsl explain`.

Hundreds group the stages: 0 reading, 1 syntax, 2 names, 3 cells, 4 definitions of ops and
combines, 5 networks, 6 spaces, 7 the installation, 8 weights and, from 860 on, search, 9 mistakes
of nasdsl itself. A code that has been released is never given another meaning.
"""

from typing import Literal, NamedTuple


class Code(NamedTuple):
    """A code's short title and severity."""

    title: str
    severity: Literal["error", "warning"] = "error"


CODES: dict[str, Code] = {
    "NAS001": Code("file cannot be read"),
    "NAS002": Code("text is not UTF-8"),
    "NAS003": Code("control character in the text"),
    "NAS004": Code("file is too large"),
    "NAS005": Code("name has a character outside ASCII"),
    "NAS006": Code("file cannot be written"),
    "NAS007": Code("suffix means no kind of file"),
    "NAS101": Code("unexpected text"),
    "NAS102": Code("missing punctuation"),
    "NAS103": Code("bracket is not closed"),
    "NAS104": Code("character has no meaning here"),
    "NAS105": Code("hidden state is not of the form h[i-k]"),
    "NAS106": Code("number is malformed or out of range"),
    "NAS107": Code("too many mistakes to go on"),
    "NAS108": Code("header is repeated or contradicts another"),
    "NAS201": Code("unknown op"),
    "NAS202": Code("unknown combine"),
    "NAS203": Code("unknown input"),
    "NAS204": Code("block reads a later block"),
    "NAS205": Code("block reads itself"),
    "NAS206": Code("block name is taken"),
    "NAS207": Code("hidden state is beyond what the cell is given"),
    "NAS208": Code("unknown vocabulary"),
    "NAS209": Code("op or combine is defined twice"),
    "NAS210": Code("definition is never used", "warning"),
    "NAS211": Code("unknown kind of cell"),
    "NAS212": Code("tuple fields are in the wrong places"),
    "NAS213": Code("unknown library name"),
    "NAS301": Code("block does not have five fields"),
    "NAS302": Code("cell has no blocks"),
    "NAS303": Code("two cells of one kind"),
    "NAS304": Code("cell a network needs is missing"),
    "NAS305": Code("output names nothing of the cell"),
    "NAS306": Code("output names a state twice"),
    "NAS307": Code("block reaches no output", "warning"),
    "NAS308": Code("combine cannot match the shapes of its operands"),
    "NAS309": Code("op cannot reduce"),
    "NAS310": Code("hole where a genotype is required"),
    "NAS311": Code("choice lists an option twice"),
    "NAS312": Code("cell has two outputs"),
    "NAS313": Code("file has no cells"),
    "NAS401": Code("unknown primitive"),
    "NAS402": Code("primitive does not take this argument"),
    "NAS403": Code("chain does not make an op or combine"),
    "NAS404": Code("form can never be used", "warning"),
    "NAS501": Code("unknown network setting"),
    "NAS502": Code("network setting has a value it cannot have"),
    "NAS503": Code("filters do not divide"),
    "NAS504": Code("image is too small"),
    "NAS505": Code("network setting is given twice"),
    "NAS506": Code("network has no cells to stack"),
    "NAS601": Code("space is too large for this"),
    "NAS602": Code("genotype is not of this space"),
    "NAS603": Code("cell is too symmetric to compare"),
    "NAS604": Code("space leaves nothing open"),
    "NAS701": Code("an optional part is not installed"),
    "NAS801": Code("weights do not fit the network"),
    "NAS802": Code("file of weights cannot be read"),
    "NAS803": Code("file of weights could run code"),
    "NAS804": Code("layout has no names for the network"),
    "NAS805": Code("unknown layout of weights"),
    "NAS860": Code("store cannot be read or written"),
    "NAS861": Code("store is on a network file system"),
    "NAS862": Code("store is of a newer version"),
    "NAS863": Code("store is of another search"),
    "NAS864": Code("store is in use"),
    "NAS865": Code("file is no store of a search"),
    "NAS866": Code("store holds a search already"),
    "NAS867": Code("evaluator fails"),
    "NAS868": Code("limits leave nothing to search"),
    "NAS869": Code("workers cannot be started"),
    "NAS870": Code("cluster cannot be reached"),
    "NAS880": Code("unknown search algorithm"),
    "NAS881": Code("option of a search algorithm is wrong"),
    "NAS882": Code("unknown evaluator"),
    "NAS883": Code("table of rewards cannot be read"),
    "NAS884": Code("table has no reward for the genotype"),
    "NAS702": Code("unknown backend"),
    "NAS703": Code("two packages offer one backend"),
    "NAS704": Code("backend cannot do this"),
    "NAS705": Code("written file does not compute the same"),
    "NAS706": Code("logits are not finite"),
    "NAS707": Code("device cannot be used"),
    "NAS708": Code("network cannot be written in this format"),
    "NAS710": Code("Graphviz is not installed"),
    "NAS711": Code("Graphviz failed"),
    "NAS712": Code("unknown picture format"),
    "NAS713": Code("too large to draw"),
    "NAS900": Code("nasdsl made a mistake"),
}
