;;; arch-mode.el --- Architectures of neural networks, for archc  -*- lexical-binding: t -*-

;; Version: 0.1
;; Package-Requires: ((emacs "27.1"))
;; Keywords: languages

;;; Commentary:

;; Colours for .arch files, indentation, comments, and `archc lsp` through eglot.
;; Generated: python -m archc.highlight

;;; Code:

(defconst arch-mode--section "\\_<\\(?:expect\\|train\\|meta\\)[ \t]*"
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
            ((and (looking-at "{[^{}\n]*}") (looking-back "[A-Za-z0-9_}.-]" (1- open)))
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
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\(\"[^\"\n]*\"\\)[ \t]*:" 'statements limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\(\\(?:expect\\|train\\|meta\\)\\)[ \t]*{" 'statements limit)) 1 font-lock-preprocessor-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>\\(?:{[^{}\n]*}[A-Za-z0-9_]*\\)*[ \t]*:" 'statements limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<\\(\\(?:sequence\\|network\\|block\\|param\\)\\)[ \t]+[A-Za-z_][A-Za-z0-9_]*\\_>" 'statements limit)) 1 font-lock-preprocessor-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<\\(?:sequence\\|network\\|block\\|param\\)[ \t]+\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>" 'statements limit)) 1 font-lock-type-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<\\(let\\)[ \t]+[A-Za-z_][A-Za-z0-9_]*\\_>[ \t]*=[^=]" 'statements limit)) 1 font-lock-preprocessor-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<let[ \t]+\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>[ \t]*=[^=]" 'statements limit)) 1 font-lock-type-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<\\(output\\)[ \t]+[A-Za-z_][A-Za-z0-9_]*\\_>" 'statements limit)) 1 font-lock-preprocessor-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<output[ \t]+\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>" 'statements limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<\\(input\\)[ \t]+[A-Za-z_][A-Za-z0-9_]*\\_>{" 'statements limit)) 1 font-lock-preprocessor-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<input[ \t]+\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>{" 'statements limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<\\(extends\\)\\_>[ \t]+\"" 'statements limit)) 1 font-lock-preprocessor-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<\\(without\\)[ \t]+[A-Za-z_][A-Za-z0-9_]*\\_>" 'statements limit)) 1 font-lock-preprocessor-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<without[ \t]+\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>" 'statements limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<\\(\\(?:use\\|input\\|output\\|devices\\)\\)\\_>" 'statements limit)) 1 font-lock-preprocessor-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(each\\)\\_>[ \t]+[A-Za-z_(][^;|{}<>\n]* in " 'statements limit)) 1 font-lock-keyword-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(as\\)[ \t]+[A-Za-z_][A-Za-z0-9_]*\\_>" 'statements limit)) 1 font-lock-keyword-face)
    ((lambda (limit) (arch-mode--search "\\_<as[ \t]+\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>" 'statements limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\(reuse\\)[ \t]+\\(?:[A-Za-z_][A-Za-z0-9_]*\\|\"[^\"\n]*\"\\)\\(?:\\.[A-Za-z0-9_]+\\)*" 'statements limit)) 1 font-lock-keyword-face)
    ((lambda (limit) (arch-mode--search "reuse[ \t]+\\(\\(?:[A-Za-z_][A-Za-z0-9_]*\\|\"[^\"\n]*\"\\)\\(?:\\.[A-Za-z0-9_]+\\)*\\)" 'statements limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(in[ \t]*\\.[ \t]*[A-Za-z_][A-Za-z0-9_]*\\)\\_>" 'statements limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\(@\\(?:[A-Za-z_][A-Za-z0-9_]*\\|\"[^\"\n]*\"\\)\\(?:\\.[A-Za-z0-9_]+\\)*\\)" 'statements limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:reuse\\|else\\|and\\|for\\|not\\|if\\|in\\|or\\)\\)\\_>" 'statements limit)) 1 font-lock-keyword-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>[ \t]*=[^=]" 'statements limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([0-9]+\\(?:x[0-9]+\\)+\\)\\_>" 'statements limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([xpgd][0-9]+\\(?:x[0-9]+\\)*\\)\\_>" 'statements limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([0-9]+\\(?:_[0-9]+\\)*\\(?:\\.[0-9]+\\(?:[eE][+-]?[0-9]+\\)?\\|[eE][+-]?[0-9]+\\)\\)\\_>" 'statements limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([0-9]+\\(?:_[0-9]+\\)*\\)\\_>" 'statements limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([xpgd]\\(?:[0-9]+x\\)*\\)\\_>(" 'statements limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:[0-9]+x\\)+\\)\\_>(" 'statements limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:false\\|none\\|true\\)\\)\\_>" 'statements limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:enumerate\\|floor\\|round\\|ceil\\|abs\\|len\\|max\\|min\\|sum\\|zip\\)\\)\\_>[ \t]*(" 'statements limit)) 1 font-lock-function-name-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:hardsigmoid\\|log_sigmoid\\|log_softmax\\|leaky_relu\\|softshrink\\|hardswish\\|threshold\\|hardtanh\\|softplus\\|softsign\\|sigmoid\\|softmax\\|square\\|clamp\\|prelu\\|relu6\\|rrelu\\|swish\\|celu\\|gelu\\|mish\\|relu\\|selu\\|silu\\|sqrt\\|tanh\\|abs\\|elu\\|exp\\|glu\\|log\\|neg\\)\\)\\_>" 'statements limit)) 1 font-lock-builtin-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:conv_transpose\\|deconv\\|conv\\)\\)\\_>" 'statements limit)) 1 font-lock-builtin-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:alpha_dropout\\|droppath\\|dropout\\)\\)\\_>" 'statements limit)) 1 font-lock-builtin-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:linear\\|fc\\)\\)\\_>" 'statements limit)) 1 font-lock-builtin-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:residual\\|columns\\|concat\\|dense\\|join\\|mean\\|add\\|aux\\|max\\|mul\\|sub\\)\\)\\_>" 'statements limit)) 1 font-lock-builtin-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:instancenorm\\|pixel_norm\\|batchnorm\\|groupnorm\\|layernorm\\|pixelnorm\\|l2norm\\|inorm\\|scale\\|norm\\|grn\\|lrn\\|bn\\|gn\\|ln\\)\\)\\_>" 'statements limit)) 1 font-lock-builtin-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:reparametrize\\|identity\\|sample\\|times\\|plus\\|div\\)\\)\\_>" 'statements limit)) 1 font-lock-builtin-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:blurpool\\|avgpool\\|maxpool\\|lppool\\|blur\\|pool\\|gap\\|sum\\)\\)\\_>" 'statements limit)) 1 font-lock-builtin-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:pixel_unshuffle\\|pixelunshuffle\\|pixel_shuffle\\|pixelshuffle\\|unflatten\\|unshuffle\\|upsample\\|flatten\\|shuffle\\|narrow\\|resize\\|chunk\\|widen\\|crop\\|pad\\)\\)\\_>" 'statements limit)) 1 font-lock-builtin-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:align_corners\\|nearest_exact\\|spectral_norm\\|rescale_eval\\|nocount_pad\\|weight_norm\\|broadcast\\|count_pad\\|replicate\\|bilinear\\|branches\\|circular\\|noaffine\\|bicubic\\|channel\\|nearest\\|notrack\\|reflect\\|affine\\|nobias\\|single\\|tfsame\\|batch\\|track\\|whole\\|zeros\\|bare\\|ceil\\|each\\|gain\\|same\\|tanh\\|l2\\|sn\\|wn\\|ws\\|A\\|B\\)\\)\\_>" 'statements limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>(" 'statements limit)) 1 font-lock-function-name-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>" 'statements limit)) 1 font-lock-function-name-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(in[ \t]*\\.[ \t]*[A-Za-z_][A-Za-z0-9_]*\\)\\_>" 'expression limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\(@\\(?:[A-Za-z_][A-Za-z0-9_]*\\|\"[^\"\n]*\"\\)\\(?:\\.[A-Za-z0-9_]+\\)*\\)" 'expression limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:reuse\\|else\\|and\\|for\\|not\\|if\\|in\\|or\\)\\)\\_>" 'expression limit)) 1 font-lock-keyword-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>[ \t]*=[^=]" 'expression limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([0-9]+\\(?:x[0-9]+\\)+\\)\\_>" 'expression limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([xpgd][0-9]+\\(?:x[0-9]+\\)*\\)\\_>" 'expression limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([0-9]+\\(?:_[0-9]+\\)*\\(?:\\.[0-9]+\\(?:[eE][+-]?[0-9]+\\)?\\|[eE][+-]?[0-9]+\\)\\)\\_>" 'expression limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([0-9]+\\(?:_[0-9]+\\)*\\)\\_>" 'expression limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:false\\|none\\|true\\)\\)\\_>" 'expression limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:enumerate\\|floor\\|round\\|ceil\\|abs\\|len\\|max\\|min\\|sum\\|zip\\)\\)\\_>[ \t]*(" 'expression limit)) 1 font-lock-function-name-face)
    ((lambda (limit) (arch-mode--search "\\(?:\\(?:^\\|[{;|]\\|[A-Za-z0-9_]<\\)[ \t]*\\|:[ \t]+\\)\\_<\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>" 'section limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([A-Za-z_][A-Za-z0-9_]*\\)\\_>[ \t]*=[^=]" 'section limit)) 1 font-lock-variable-name-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([0-9]+\\(?:_[0-9]+\\)*\\(?:\\.[0-9]+\\)?[KMGT]\\)\\_>" 'section limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([0-9]+\\(?:x[0-9]+\\)+\\)\\_>" 'section limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([xpgd][0-9]+\\(?:x[0-9]+\\)*\\)\\_>" 'section limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([0-9]+\\(?:_[0-9]+\\)*\\(?:\\.[0-9]+\\(?:[eE][+-]?[0-9]+\\)?\\|[eE][+-]?[0-9]+\\)\\)\\_>" 'section limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\([0-9]+\\(?:_[0-9]+\\)*\\)\\_>" 'section limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:false\\|none\\|true\\)\\)\\_>" 'section limit)) 1 font-lock-constant-face)
    ((lambda (limit) (arch-mode--search "\\_<\\(\\(?:truncated_normal\\|zero_residual\\|resized_crop\\|exponential\\|orthogonal\\|centered\\|constant\\|nesterov\\|adagrad\\|amsgrad\\|default\\|fan_out\\|plateau\\|reflect\\|rmsprop\\|uniform\\|weights\\|cosine\\|fan_in\\|linear\\|normal\\|xavier\\|adamw\\|adam\\|conv\\|crop\\|flip\\|poly\\|step\\|all\\|sgd\\|bn\\|fc\\|he\\)\\)\\_>" 'section limit)) 1 font-lock-constant-face)
    )
  "Colours, for `font-lock-defaults'.")

(defvar arch-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?_ "_" table)
    (modify-syntax-entry ?\" "\"" table)
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
  (setq-local comment-start-skip "#+[ \t]*")
  (setq-local indent-tabs-mode nil)
  (setq-local indent-line-function #'arch-mode-indent-line)
  (setq-local font-lock-defaults '(arch-mode--keywords)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.arch\\'" . arch-mode))

(defvar eglot-server-programs)
(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(arch-mode . ("archc" "lsp"))))

(provide 'arch-mode)
;;; arch-mode.el ends here
