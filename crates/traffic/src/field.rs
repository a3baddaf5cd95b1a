//! The 82 fields of the gateway_dns dataset, as
//! <https://developers.cloudflare.com/logs/logpush/logpush-job/datasets/account/gateway_dns/> lists them.

use std::str::FromStr;

use thiserror::Error;

/// The JSON type a field is delivered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    Text,
    /// An integer.
    Int,
    /// `true` or `false`.
    Bool,
    /// An integer or a string, by the job's timestamp format.
    Time,
    /// An array of strings.
    Texts,
    /// An array of integers.
    Ints,
    /// An array of `{"type":"1","data":"base64"}`.
    Records,
}

/// Who knows a field's value: decides what can be written once and copied from then on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// The device and the way it reaches the resolver.
    Device,
    /// The question and its answer.
    Reply,
    /// This very query.
    Query,
}

/// Which fields a record carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldSet {
    /// All 82, deprecated and newest included: about 2.5 KB a record.
    Full,
    /// The 32 of the two documented samples: about 1 KB a record.
    Documented,
    /// What a security team would select today: current fields, answers once, no deprecated twin.
    #[default]
    Default,
}

/// A name that is no field set.
#[derive(Debug, Error)]
#[error("`{0}` is not a field set: full, documented or default")]
pub struct FieldSetError(String);

impl FromStr for FieldSet {
    type Err = FieldSetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "full" => Ok(Self::Full),
            "documented" => Ok(Self::Documented),
            "default" => Ok(Self::Default),
            _ => Err(FieldSetError(text.to_owned())),
        }
    }
}

impl FieldSet {
    /// The fields of the set, in the order records hold them.
    pub fn fields(self) -> impl Iterator<Item = Field> {
        Field::ALL.into_iter().filter(move |field| self.has(*field))
    }

    fn has(self, field: Field) -> bool {
        let (documented, chosen) = field.sets();
        match self {
            Self::Full => true,
            Self::Documented => documented,
            Self::Default => chosen,
        }
    }
}

/// Column `sets`: `both`; `seed`: only in the documented samples; `now`: only in the default set; `full`: in neither.
macro_rules! fields {
    ($($name:ident $kind:ident $owner:ident $sets:ident)*) => {
        /// One field of the dataset.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the names are the dataset's own; its documentation says what they mean")]
        pub enum Field { $($name),* }

        impl Field {
            /// Every field, in alphabetical order as the dataset lists them.
            pub const ALL: [Self; 82] = [$(Self::$name),*];

            /// The field's name in the record.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            /// The JSON type of its value.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind),* }
            }

            pub(crate) const fn owner(self) -> Owner {
                match self { $(Self::$name => Owner::$owner),* }
            }

            const fn sets(self) -> (bool, bool) {
                match self { $(Self::$name => fields!(@$sets)),* }
            }
        }
    };
    (@both) => { (true, true) };
    (@seed) => { (true, false) };
    (@now) => { (false, true) };
    (@full) => { (false, false) };
}

fields! {
    AccountID                     Text    Device full
    ApplicationID                 Int     Reply  both
    ApplicationName               Text    Reply  now
    AppliedMaxTTL                 Int     Reply  full
    AuthoritativeNameServerIPs    Texts   Reply  full
    CNAMECategoryIDs              Ints    Reply  full
    CNAMECategoryNames            Texts   Reply  full
    CNAMEs                        Texts   Reply  now
    CNAMEsReversed                Texts   Reply  full
    ColoCode                      Text    Device both
    ColoID                        Int     Device both
    CustomResolveDurationMs       Int     Reply  full
    CustomResolverAddress         Text    Reply  full
    CustomResolverPolicyID        Text    Reply  full
    CustomResolverPolicyName      Text    Reply  full
    CustomResolverResponse        Text    Reply  full
    Datetime                      Time    Query  both
    DeviceID                      Text    Device both
    DeviceName                    Text    Device both
    DoHSubdomain                  Text    Device full
    DoTSubdomain                  Text    Device full
    DstIP                         Text    Device both
    DstPort                       Int     Device both
    EDEErrors                     Ints    Reply  now
    Email                         Text    Device both
    InitialCategoryIDs            Ints    Reply  full
    InitialCategoryNames          Texts   Reply  full
    InitialResolvedIPs            Texts   Reply  full
    InternalDNSDurationMs         Int     Reply  full
    InternalDNSFallbackStrategy   Text    Reply  full
    InternalDNSRCode              Int     Reply  full
    InternalDNSViewID             Text    Reply  full
    InternalDNSZoneID             Text    Reply  full
    IsResponseCached              Bool    Reply  now
    Location                      Text    Device both
    LocationID                    Text    Device both
    MatchedCategoryIDs            Ints    Reply  both
    MatchedCategoryNames          Texts   Reply  both
    MatchedIndicatorFeedIDs       Ints    Reply  full
    MatchedIndicatorFeedNames     Texts   Reply  full
    Policy                        Text    Reply  seed
    PolicyID                      Text    Reply  both
    PolicyName                    Text    Reply  now
    Protocol                      Text    Device both
    QueryApplicationIDs           Ints    Reply  full
    QueryApplicationNames         Texts   Reply  full
    QueryCategoryIDs              Ints    Reply  both
    QueryCategoryNames            Texts   Reply  both
    QueryID                       Text    Query  now
    QueryIndicatorFeedIDs         Ints    Reply  full
    QueryIndicatorFeedNames       Texts   Reply  full
    QueryName                     Text    Reply  both
    QueryNameReversed             Text    Reply  both
    QuerySize                     Int     Query  both
    QueryType                     Int     Reply  both
    QueryTypeName                 Text    Reply  both
    RCode                         Int     Reply  both
    RData                         Records Reply  seed
    RedirectTargetURI             Text    Reply  full
    RegistrationID                Text    Device now
    RequestContextCategoryIDs     Ints    Reply  full
    RequestContextCategoryNames   Texts   Reply  full
    ResolvedIPCategoryIDs         Ints    Reply  full
    ResolvedIPCategoryNames       Texts   Reply  full
    ResolvedIPContinentCodes      Texts   Reply  full
    ResolvedIPCountryCodes        Texts   Reply  now
    ResolvedIPs                   Texts   Reply  both
    ResolverDecision              Text    Reply  both
    ResolverPolicyID              Text    Reply  full
    ResolverPolicyName            Text    Reply  full
    ResourceRecords               Records Reply  now
    ResourceRecordsJSON           Text    Reply  now
    ResponseTimeMs                Int     Query  full
    SrcIP                         Text    Device both
    SrcIPContinentCode            Text    Device full
    SrcIPCountryCode              Text    Device now
    SrcPort                       Int     Query  both
    TenantID                      Text    Device full
    TimeZone                      Text    Reply  both
    TimeZoneInferredMethod        Text    Reply  both
    UpstreamRecordTTLs            Ints    Reply  full
    UserID                        Text    Device both
}
