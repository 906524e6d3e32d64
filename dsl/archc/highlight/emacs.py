"""The mode of Emacs: colours by font-lock, indentation by brackets, `archc lsp` by eglot."""

from __future__ import annotations

from collections.abc import Iterator

from archc.highlight.patterns import pieces
from archc.highlight.rules import BLANKS, CONTEXTS, Rule, any_of
from archc.highlight.words import SECTIONS

_FACES = {
    "attribute": "font-lock-constant-face",
    "block": "font-lock-function-name-face",
    "builtin": "font-lock-variable-name-face",
    "constant": "font-lock-constant-face",
    "declaration": "font-lock-preprocessor-face",
    "definition": "font-lock-type-face",
    "function": "font-lock-function-name-face",
    "keyword": "font-lock-keyword-face",
    "label": "font-lock-variable-name-face",
    "number": "font-lock-constant-face",
    "operator": "font-lock-builtin-face",
    "option": "font-lock-variable-name-face",
    "property": "font-lock-variable-name-face",
    "reference": "font-lock-variable-name-face",
}
_BEGINNING = "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)"

_HEAD = """\
;;; arch-mode.el --- Architectures of neural networks, for archc  -*- lexical-binding: t -*-

;; Version: 0.1
;; Package-Requires: ((emacs "27.1"))
;; Keywords: languages

;;; Commentary:

;; Colours for .arch files, indentation, comments, and `archc lsp` through eglot.
;; Generated: python -m archc.highlight

;;; Code:

(defconst arch-mode--section "@SECTION@"
  "What stands before the bracket of a section.")

(defun arch-mode--context (position)
  "Return what POSITION is in: `statements', `expression' or `section'."
  (let ((open (nth 1 (syntax-ppss position))))
    (save-excursion
      (when open
        (goto-char open))
      (cond ((null open) 'statements)
            ((looking-at "[([]") 'expression)
            ((looking-back arch-mode--section (line-beginning-position)) 'section)
            ((and (looking-at "{[^{}\\n]*}") (looking-back "[A-Za-z0-9_}.-]" (1- open)))
             'expression)
            (t 'statements)))))

(defun arch-mode--search (regexp context limit)
  "Search for REGEXP up to LIMIT where CONTEXT is.
What stands behind the coloured text is looked at, but left to the next search."
  (let (found)
    (while (and (not found) (re-search-forward regexp limit t))
      (let ((start (match-beginning 1)) (data (match-data)))
        (setq found (and (not (nth 8 (syntax-ppss start)))
                         (eq (arch-mode--context start) context)))
        (set-match-data data)
        (goto-char (max (1+ start) (match-end 1)))))
    found))

(defconst arch-mode--keywords
  '(
"""
_TAIL = """\
    )
  "Colours, for `font-lock-defaults'.")

(defvar arch-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\\n ">" table)
    (modify-syntax-entry ?_ "_" table)
    (modify-syntax-entry ?\\" "\\"" table)
    (dolist (sign '(?* ?/ ?+ ?- ?% ?< ?> ?= ?| ?@ ?.))
      (modify-syntax-entry sign "." table))
    table)
  "Syntax of .arch files.")

(defvar arch-mode-offset 2
  "Spaces by which what stands in brackets is indented.")

(defun arch-mode-indent-line ()
  "Indent the line by the brackets around it."
  (interactive)
  (let ((column (save-excursion
                  (back-to-indentation)
                  (let ((depth (car (syntax-ppss))))
                    (* arch-mode-offset (max 0 (if (looking-at "[])}]") (1- depth) depth)))))))
    (if (<= (current-column) (current-indentation))
        (indent-line-to column)
      (save-excursion (indent-line-to column)))))

;;;###autoload
(define-derived-mode arch-mode prog-mode "Arch"
  "Architectures of neural networks: see `archc lsp' and `archc fmt'."
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+[ \\t]*")
  (setq-local indent-tabs-mode nil)
  (setq-local indent-line-function #'arch-mode-indent-line)
  (setq-local font-lock-defaults '(arch-mode--keywords)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\\\.arch\\\\'" . arch-mode))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(arch-mode . ("archc" "lsp"))))

(provide 'arch-mode)
;;; arch-mode.el ends here
"""


def mode() -> str:
    """Return the file `arch-mode.el`."""
    section = f"\\_<{translated(any_of(SECTIONS))}{translated(BLANKS)}"
    head = _HEAD.replace('"@SECTION@"', _lisp_string(section))
    return head + "".join(f"    {line}\n" for line in _keywords()) + _TAIL


def _keywords() -> Iterator[str]:
    """The coloured parts of all rules: of those that fit a place, font-lock takes the first."""
    for context, rules in CONTEXTS.items():
        for rule in rules:
            for at, (kind, _) in enumerate(rule.parts):
                if face(kind):
                    search = (
                        f"(arch-mode--search {_lisp_string(_regexp(rule, at))} '{context} limit)"
                    )
                    yield f"((lambda (limit) {search}) 1 {face(kind)})"


def face(kind: str) -> str:
    """Return the face of a kind, or nothing where the text has its own colour."""
    return _FACES.get(kind.partition(" ")[0], "")


def _regexp(rule: Rule, at: int) -> str:
    """The rule with one of its parts as group 1."""
    before = _BEGINNING if rule.begins else ""
    start, end = ("\\_<", "\\_>") if rule.whole else ("", "")
    parts = [translated(pattern) for _, pattern in rule.parts]
    parts[at] = f"\\({parts[at]}\\)"
    return f"{before}{start}{''.join(parts)}{end}{translated(rule.follows)}"


def translated(pattern: str) -> str:
    """Return a pattern in the language of Emacs."""
    signs = {"open": "\\(?:", "close": "\\)", "or": "\\|"}
    return "".join(
        signs.get(kind) or (_set(text) if kind == "set" else _literal(text, kind))
        for kind, text in pieces(pattern)
    )


def _literal(text: str, kind: str) -> str:
    return f"\\{text}" if kind == "literal" and text in "*+?.[]^$\\" else text


def _set(text: str) -> str:
    """A class of characters; Emacs knows no backslashes there, and wants `]` first."""
    inside, negated = text[1:-1].removeprefix("^"), text.startswith("[^")
    inside = inside.replace("\\t", "\t").replace("\\n", "\n").replace("\\\\", "\0")
    inside = inside.replace("\\", "").replace("\0", "\\")
    if "]" in inside:
        inside = "]" + inside.replace("]", "")
    return f"[{'^' * negated}{inside}]"


def _lisp_string(text: str) -> str:
    for sign, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t")):
        text = text.replace(sign, written)
    return f'"{text}"'
