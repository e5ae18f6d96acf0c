(cell "}" @end) @indent
(network "}" @end) @indent
(tuple ")" @end) @indent
(part "]" @end) @indent
