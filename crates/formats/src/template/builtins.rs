//! The names that templates may use: filters, tests, methods.

/// An enum whose variants have names, and the way from a name to its variant.
macro_rules! named {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident = $($name:literal)|+,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $kind { $($variant,)* }

        impl $kind {
            /// The variant that a name stands for.
            pub(crate) fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($($name)|+ => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

named! {
    /// Filters: Jinja's, then those of the format language.
    Filter {
        Abs = "abs",
        Attr = "attr",
        Batch = "batch",
        Capitalize = "capitalize",
        Center = "center",
        Count = "count" | "length",
        Default = "default" | "d",
        DictSort = "dictsort",
        Escape = "e" | "escape" | "forceescape",
        First = "first",
        Float = "float",
        Format = "format",
        Indent = "indent",
        Int = "int",
        Items = "items",
        Join = "join",
        Last = "last",
        List = "list",
        Lower = "lower",
        Map = "map",
        Max = "max",
        Min = "min",
        Reject = "reject",
        RejectAttr = "rejectattr",
        Replace = "replace",
        Reverse = "reverse",
        Round = "round",
        Safe = "safe",
        Select = "select",
        SelectAttr = "selectattr",
        Slice = "slice",
        Sort = "sort",
        String = "string",
        StripTags = "striptags",
        Sum = "sum",
        Title = "title",
        ToJson = "tojson",
        Trim = "trim" | "strip",
        Truncate = "truncate",
        Unique = "unique",
        Upper = "upper",
        UrlEncode = "urlencode",
        WordCount = "wordcount",
        IsIpAddress = "is_ipaddress",
        IsIpv4 = "is_ipv4",
        IsIpv6 = "is_ipv6",
        ToRfc3339 = "to_rfc3339" | "to_iso8601",
        BaseName = "basename",
        DirName = "dirname",
        ReMatch = "re_match",
        ReSearch = "re_search",
        ToMacAddress = "to_mac_address",
        FromJson = "from_json",
        DumpJson = "to_json",
        IsUrl = "is_url",
    }
}

named! {
    /// Tests: what may follow `is`.
    Test {
        Boolean = "boolean",
        Callable = "callable",
        Defined = "defined",
        DivisibleBy = "divisibleby",
        Eq = "eq" | "equalto",
        Even = "even",
        False = "false",
        Float = "float",
        Ge = "ge",
        Gt = "gt" | "greaterthan",
        In = "in",
        Integer = "integer",
        Iterable = "iterable",
        Le = "le",
        Lower = "lower",
        Lt = "lt" | "lessthan",
        Mapping = "mapping",
        Ne = "ne",
        None = "none" | "None",
        Number = "number",
        Odd = "odd",
        SameAs = "sameas",
        Sequence = "sequence",
        String = "string",
        True = "true",
        Undefined = "undefined",
        Upper = "upper",
        IsIpAddress = "ipaddress" | "is_ipaddress",
    }
}

named! {
    /// Methods of text, lists and dictionaries.
    Method {
        Append = "append",
        Capitalize = "capitalize",
        Casefold = "casefold",
        Clear = "clear",
        Copy = "copy",
        Count = "count",
        EndsWith = "endswith",
        Extend = "extend",
        Find = "find",
        Format = "format",
        Get = "get",
        Index = "index",
        Insert = "insert",
        IsAlnum = "isalnum",
        IsAlpha = "isalpha",
        IsDecimal = "isdecimal",
        IsDigit = "isdigit",
        IsLower = "islower",
        IsNumeric = "isnumeric",
        IsSpace = "isspace",
        IsUpper = "isupper",
        Items = "items",
        Join = "join",
        Keys = "keys",
        LStrip = "lstrip",
        Lower = "lower",
        Partition = "partition",
        Pop = "pop",
        RFind = "rfind",
        RPartition = "rpartition",
        RSplit = "rsplit",
        RStrip = "rstrip",
        Remove = "remove",
        RemovePrefix = "removeprefix",
        RemoveSuffix = "removesuffix",
        Replace = "replace",
        Reverse = "reverse",
        SetDefault = "setdefault",
        Sort = "sort",
        Split = "split",
        SplitLines = "splitlines",
        StartsWith = "startswith",
        Strip = "strip",
        Swapcase = "swapcase",
        Title = "title",
        Update = "update",
        Upper = "upper",
        Values = "values",
        Zfill = "zfill",
    }
}

/// Attributes that every Python dictionary has: they come before the keys of the data.
pub(crate) fn is_dict_method(name: &str) -> bool {
    matches!(
        name,
        "clear"
            | "copy"
            | "fromkeys"
            | "get"
            | "items"
            | "keys"
            | "pop"
            | "popitem"
            | "setdefault"
            | "update"
            | "values"
    )
}
