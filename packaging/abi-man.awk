# SPDX-License-Identifier: MIT
# Makes ukvm-abi(7) of guest-abi/ABI.md: headings, paragraphs, lists, tables and blocks of code.

function escape(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    return text
}

# `code` and **bold** are bold.
function markup(text, out, part, i, n) {
    text = escape(text)
    gsub(/\*\*/, "`", text)
    n = split(text, part, "`")
    out = part[1]
    for (i = 2; i <= n; i++)
        out = out (i % 2 ? "\\fR" : "\\fB") part[i]
    return (out ~ /^[.']/ ? "\\&" : "") out
}

function trim(text) {
    gsub(/^ +| +$/, "", text)
    return text
}

BEGIN {
    print ".\\\" Made of guest-abi/ABI.md."
    printf ".TH UKVM\\-ABI 7 \"\" \"ukvm %s\" \"Miscellaneous\"\n", version
    print ".SH NAME\nukvm\\-abi \\- the guest ABI of ukvm\n.SH DESCRIPTION"
}

/^```/ {
    in_code = !in_code
    print in_code ? ".PP\n.nf" : ".fi"
    next
}
in_code { print "\\&" escape($0); next }
/^# / { next }
/^## / { print ".SH " toupper(markup(substr($0, 4))); next }
/^### / { print ".SS " markup(substr($0, 5)); next }
/^\|[-|]+\|$/ || /^\| *(clause|clauses) *\|/ { next }
/^\|/ {
    n = split($0, cell, "|")
    print ".TP\n.B " markup(trim(cell[2]))
    for (i = 3; i < n; i++)
        if (trim(cell[i]) != "")
            print (i > 3 ? ".br\n" : "") markup(trim(cell[i]))
    next
}
/^- / { print ".IP \\(bu 2\n" markup(substr($0, 3)); next }
/^$/ { print ".PP"; next }
{ print markup(trim($0)) }
