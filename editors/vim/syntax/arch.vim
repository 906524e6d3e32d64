" Vim syntax file
" Language: architectures of neural networks (archc)
" Generated: python -m archc.highlight

if exists("b:current_syntax")
  finish
endif
syntax iskeyword @,48-57,_
syntax sync fromstart

syntax match archPunctuation `\v[{}()\[\],;:.@]`
syntax match archSign `\v\*\*|//|\.\.|[<>=!]\=|[-+*/%<>|=]`
syntax region archExpression matchgroup=archPunctuation start=`\v[A-Za-z0-9_}.-]@1<=\{%([^{}\n]*\})@=` end=`\v[)\]}]` end=`\v^%(%(sequence|network|expect|block|param|train|meta|use)[ \t])@=` contains=@archExpr
syntax region archExpression matchgroup=archPunctuation start=`\v[(\[]` end=`\v[)\]}]` end=`\v^%(%(sequence|network|expect|block|param|train|meta|use)[ \t])@=` contains=@archExpr
syntax match archName `\v<[A-Za-z0-9_]+>`
syntax match archBlock `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<=<[A-Za-z_][A-Za-z0-9_]*>`
syntax match archBlock `\v<[A-Za-z_][A-Za-z0-9_]*>%(\()@=`
syntax match archAttribute `\v<%(align_corners|nearest_exact|spectral_norm|rescale_eval|nocount_pad|weight_norm|broadcast|count_pad|replicate|bilinear|branches|circular|noaffine|bicubic|channel|nearest|notrack|reflect|affine|nobias|single|tfsame|batch|track|whole|zeros|bare|ceil|each|gain|same|tanh|l2|sn|wn|ws|A|B)>`
syntax match archOperatorReshape `\v<%(pixel_unshuffle|pixelunshuffle|pixel_shuffle|pixelshuffle|unflatten|unshuffle|upsample|flatten|shuffle|narrow|resize|chunk|widen|crop|pad)>`
syntax match archOperatorPool `\v<%(blurpool|avgpool|maxpool|lppool|blur|pool|gap|sum)>`
syntax match archOperatorOther `\v<%(reparametrize|identity|sample|times|plus|div)>`
syntax match archOperatorNorm `\v<%(instancenorm|pixel_norm|batchnorm|groupnorm|layernorm|pixelnorm|l2norm|inorm|scale|norm|grn|lrn|bn|gn|ln)>`
syntax match archOperatorMerge `\v<%(residual|columns|concat|dense|join|mean|add|aux|max|mul|sub)>`
syntax match archOperatorLinear `\v<%(linear|fc)>`
syntax match archOperatorDrop `\v<%(alpha_dropout|droppath|dropout)>`
syntax match archOperatorConv `\v<%(conv_transpose|deconv|conv)>`
syntax match archOperatorAct `\v<%(hardsigmoid|log_sigmoid|log_softmax|leaky_relu|softshrink|hardswish|threshold|hardtanh|softplus|softsign|sigmoid|softmax|square|clamp|prelu|relu6|rrelu|swish|celu|gelu|mish|relu|selu|silu|sqrt|tanh|abs|elu|exp|glu|log|neg)>`
syntax match archFunction `\v<%(enumerate|floor|round|ceil|abs|len|max|min|sum|zip)>%([ \t]*\()@=`
syntax match archConstant `\v<%(false|none|true)>`
syntax match archNumber `\v<%([0-9]+x)+>%(\()@=`
syntax match archNumber `\v<[xpgd]%([0-9]+x)*>%(\()@=`
syntax match archNumber `\v<[0-9]+%(_[0-9]+)*>`
syntax match archNumber `\v<[0-9]+%(_[0-9]+)*%(\.[0-9]+%([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)>`
syntax match archNumber `\v<[xpgd][0-9]+%(x[0-9]+)*>`
syntax match archNumber `\v<[0-9]+%(x[0-9]+)+>`
syntax match archOption `\v<[A-Za-z_][A-Za-z0-9_]*>%([ \t]*\=[^=])@=`
syntax match archKeyword `\v<%(reuse|else|and|for|not|if|in|or)>`
syntax match archReference `\v\@%([A-Za-z_][A-Za-z0-9_]*|"[^"\n]*")%(\.[A-Za-z0-9_]+)*`
syntax match archBuiltin `\v<in[ \t]*\.[ \t]*[A-Za-z_][A-Za-z0-9_]*>`
syntax match archKeyword `\vreuse%([ \t]+%([A-Za-z_][A-Za-z0-9_]*|"[^"\n]*")%(\.[A-Za-z0-9_]+)*)@=`
syntax match archReference `\v%(reuse[ \t]+)@60<=%([A-Za-z_][A-Za-z0-9_]*|"[^"\n]*")%(\.[A-Za-z0-9_]+)*`
syntax match archKeyword `\v<as>%([ \t]+[A-Za-z_][A-Za-z0-9_]*)@=`
syntax match archLabel `\v%(<as[ \t]+)@60<=<[A-Za-z_][A-Za-z0-9_]*>`
syntax match archKeyword `\v<each>%([ \t]+[A-Za-z_(][^;|{}<>\n]* in )@=`
syntax match archDeclaration `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<=<%(use|input|output|devices)>`
syntax match archDeclaration `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<=<without>%([ \t]+[A-Za-z_][A-Za-z0-9_]*)@=`
syntax match archLabel `\v%(<without[ \t]+)@60<=<[A-Za-z_][A-Za-z0-9_]*>`
syntax match archDeclaration `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<=<extends>%([ \t]+")@=`
syntax match archDeclaration `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<=<input>%([ \t]+[A-Za-z_][A-Za-z0-9_]*\{)@=`
syntax match archLabel `\v%(<input[ \t]+)@60<=<[A-Za-z_][A-Za-z0-9_]*>%(\{)@=`
syntax match archDeclaration `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<=<output>%([ \t]+[A-Za-z_][A-Za-z0-9_]*)@=`
syntax match archLabel `\v%(<output[ \t]+)@60<=<[A-Za-z_][A-Za-z0-9_]*>`
syntax match archDeclaration `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<=<let>%([ \t]+[A-Za-z_][A-Za-z0-9_]*[ \t]*\=[^=])@=`
syntax match archDefinition `\v%(<let[ \t]+)@60<=<[A-Za-z_][A-Za-z0-9_]*>%([ \t]*\=[^=])@=`
syntax match archDeclaration `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<=<%(sequence|network|block|param)>%([ \t]+[A-Za-z_][A-Za-z0-9_]*)@=`
syntax match archDefinition `\v%(<%(sequence|network|block|param)[ \t]+)@60<=<[A-Za-z_][A-Za-z0-9_]*>`
syntax match archLabel `\v<[A-Za-z_][A-Za-z0-9_]*>%(%(\{[^{}\n]*\}[A-Za-z0-9_]*)*[ \t]*:)@=`
syntax match archDeclaration `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<=%(expect|train|meta)%([ \t]*\{)@=`
syntax region archSection matchgroup=archPunctuation start=`\v%(%(expect|train|meta)[ \t]*)@60<=\{` end=`\v\}` end=`\v^%(%(sequence|network|expect|block|param|train|meta|use)[ \t])@=` contains=@archSection
syntax match archString `\v"%([^"\\\n]|\\[^\n])*"`
syntax match archLabel `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<="[^"\n]*"%([ \t]*:)@=`
syntax match archComment `\v#[^\n]*`
syntax match archExprPunctuation `\v[{}()\[\],;:.@]` contained
syntax match archExprSign `\v\*\*|//|\.\.|[<>=!]\=|[-+*/%<>|=]` contained
syntax region archExprExpression contained matchgroup=archExprPunctuation start=`\v[(\[]` end=`\v[)\]}]` end=`\v^%(%(sequence|network|expect|block|param|train|meta|use)[ \t])@=` contains=@archExpr
syntax match archExprName `\v<[A-Za-z0-9_]+>` contained
syntax match archExprFunction `\v<%(enumerate|floor|round|ceil|abs|len|max|min|sum|zip)>%([ \t]*\()@=` contained
syntax match archExprConstant `\v<%(false|none|true)>` contained
syntax match archExprNumber `\v<[0-9]+%(_[0-9]+)*>` contained
syntax match archExprNumber `\v<[0-9]+%(_[0-9]+)*%(\.[0-9]+%([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)>` contained
syntax match archExprNumber `\v<[xpgd][0-9]+%(x[0-9]+)*>` contained
syntax match archExprNumber `\v<[0-9]+%(x[0-9]+)+>` contained
syntax match archExprOption `\v<[A-Za-z_][A-Za-z0-9_]*>%([ \t]*\=[^=])@=` contained
syntax match archExprKeyword `\v<%(reuse|else|and|for|not|if|in|or)>` contained
syntax match archExprReference `\v\@%([A-Za-z_][A-Za-z0-9_]*|"[^"\n]*")%(\.[A-Za-z0-9_]+)*` contained
syntax match archExprBuiltin `\v<in[ \t]*\.[ \t]*[A-Za-z_][A-Za-z0-9_]*>` contained
syntax match archExprString `\v"%([^"\\\n]|\\[^\n])*"` contained
syntax match archExprComment `\v#[^\n]*` contained
syntax match archSectionPunctuation `\v[{}()\[\],;:.@]` contained
syntax match archSectionSign `\v\*\*|//|\.\.|[<>=!]\=|[-+*/%<>|=]` contained
syntax region archSectionExpression contained matchgroup=archSectionPunctuation start=`\v[(\[]` end=`\v[)\]}]` end=`\v^%(%(sequence|network|expect|block|param|train|meta|use)[ \t])@=` contains=@archExpr
syntax match archSectionName `\v<[A-Za-z0-9_]+>` contained
syntax match archSectionAttribute `\v<%(truncated_normal|zero_residual|resized_crop|exponential|orthogonal|centered|constant|nesterov|adagrad|amsgrad|default|fan_out|plateau|reflect|rmsprop|uniform|weights|cosine|fan_in|linear|normal|xavier|adamw|adam|conv|crop|flip|poly|step|all|sgd|bn|fc|he)>` contained
syntax match archSectionConstant `\v<%(false|none|true)>` contained
syntax match archSectionNumber `\v<[0-9]+%(_[0-9]+)*>` contained
syntax match archSectionNumber `\v<[0-9]+%(_[0-9]+)*%(\.[0-9]+%([eE][+-]?[0-9]+)?|[eE][+-]?[0-9]+)>` contained
syntax match archSectionNumber `\v<[xpgd][0-9]+%(x[0-9]+)*>` contained
syntax match archSectionNumber `\v<[0-9]+%(x[0-9]+)+>` contained
syntax match archSectionNumber `\v<[0-9]+%(_[0-9]+)*%(\.[0-9]+)?[KMGT]>` contained
syntax match archSectionOption `\v<[A-Za-z_][A-Za-z0-9_]*>%([ \t]*\=[^=])@=` contained
syntax match archSectionProperty `\v%(%(^|[{;|]|[A-Za-z0-9_]\<)[ \t]*|:[ \t]+)@60<=<[A-Za-z_][A-Za-z0-9_]*>` contained
syntax match archSectionString `\v"%([^"\\\n]|\\[^\n])*"` contained
syntax match archSectionComment `\v#[^\n]*` contained

highlight default link archComment Comment
highlight default link archLabel Label
highlight default link archString String
highlight default link archDeclaration StorageClass
highlight default link archPunctuation Delimiter
highlight default link archDefinition Type
highlight default link archKeyword Keyword
highlight default link archReference Tag
highlight default link archBuiltin Special
highlight default link archOption Identifier
highlight default link archNumber Number
highlight default link archConstant Boolean
highlight default link archFunction Function
highlight default link archOperatorAct Statement
highlight default link archOperatorConv Statement
highlight default link archOperatorDrop Statement
highlight default link archOperatorLinear Statement
highlight default link archOperatorMerge Statement
highlight default link archOperatorNorm Statement
highlight default link archOperatorOther Statement
highlight default link archOperatorPool Statement
highlight default link archOperatorReshape Statement
highlight default link archAttribute Constant
highlight default link archBlock Function
highlight default link archSign Operator
syntax cluster archExpr contains=archExprComment,archExprString,archExprBuiltin,archExprReference,archExprKeyword,archExprOption,archExprNumber,archExprConstant,archExprFunction,archExprName,archExprPunctuation,archExprSign,archExprExpression
highlight default link archExprComment Comment
highlight default link archExprString String
highlight default link archExprBuiltin Special
highlight default link archExprReference Tag
highlight default link archExprKeyword Keyword
highlight default link archExprOption Identifier
highlight default link archExprNumber Number
highlight default link archExprConstant Boolean
highlight default link archExprFunction Function
highlight default link archExprPunctuation Delimiter
highlight default link archExprSign Operator
syntax cluster archSection contains=archSectionComment,archSectionString,archSectionProperty,archSectionOption,archSectionNumber,archSectionConstant,archSectionAttribute,archSectionName,archSectionPunctuation,archSectionSign,archSectionExpression
highlight default link archSectionComment Comment
highlight default link archSectionString String
highlight default link archSectionProperty Identifier
highlight default link archSectionOption Identifier
highlight default link archSectionNumber Number
highlight default link archSectionConstant Boolean
highlight default link archSectionAttribute Constant
highlight default link archSectionPunctuation Delimiter
highlight default link archSectionSign Operator
let b:current_syntax = "arch"
