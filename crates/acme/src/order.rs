//! One order, from the account to the certificate.

use instant_acme::{
    Account, AccountCredentials, AuthorizationHandle, AuthorizationStatus, ChallengeType, Error, Identifier,
    NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};

use crate::ari;
use crate::cache::Cache;
use crate::certificate::Certificate;
use crate::challenges::HttpChallenges;
use crate::error::Failure;
use crate::explain::{Step, explain, explain_problem, is_kind};
use crate::http::Http;
use crate::options::{Challenge, Options, shown};
use crate::resolver::Resolver;

/// What an order works with.
#[derive(Debug)]
pub(crate) struct Orders<'a> {
    pub(crate) options: &'a Options,
    pub(crate) cache: &'a Cache,
    pub(crate) http: &'a Http,
    pub(crate) resolver: &'a Resolver,
    pub(crate) http_challenges: &'a HttpChallenges,
}

/// Ends the answers to checks, however the order went.
struct Answering<'a>(&'a Orders<'a>);

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.0.resolver.end_challenges();
        self.0.http_challenges.end_challenges();
    }
}

impl Orders<'_> {
    /// Gets a certificate. `replaced` is the one it follows, where the authority wants to know.
    pub(crate) async fn obtain(&self, replaced: Option<&Certificate>) -> Result<Certificate, Failure> {
        let account = self.account().await?;
        let obtained = self.order(&account, replaced).await;
        obtained.map_err(|failure| Failure { retry_after: self.http.take_retry_after(), counts: true, ..failure })
    }

    fn failure(&self, step: Step, error: &Error) -> Failure {
        explain(step, &self.options.directory, self.options.challenge, error)
    }

    /// The account that was kept, or a new one.
    async fn account(&self) -> Result<Account, Failure> {
        if let Some(credentials) = self.kept_account() {
            let builder = Account::builder_with_http(Box::new(self.http.clone()));
            let opened = builder.from_credentials(credentials).await;
            if let Err(Error::KeyRejected) = &opened {
                self.set_account_aside();
            }
            return opened.map_err(|error| self.account_failure(&error));
        }
        let contact = self.options.contact.as_ref().map(|address| format!("mailto:{address}"));
        let contact: Vec<&str> = contact.as_deref().into_iter().collect();
        let new = NewAccount {
            contact: &contact,
            terms_of_service_agreed: self.options.terms_agreed,
            only_return_existing: false,
        };
        let external = self.options.external_account.as_ref().map(crate::ExternalAccount::read).transpose();
        let external = external.map_err(|error| Failure::new(error.to_string()))?;
        let builder = Account::builder_with_http(Box::new(self.http.clone()));
        let made = builder.create(&new, self.options.directory.clone(), external.as_ref()).await;
        let (account, credentials) = made.map_err(|error| self.account_failure(&error))?;
        let kept = serde_json::to_string(&credentials).map_err(std::io::Error::other);
        kept.and_then(|text| self.cache.keep_account(&text)).map_err(|error| self.unkept(&error))?;
        tracing::info!(directory = %self.options.directory, "made an account at the authority");
        Ok(account)
    }

    fn account_failure(&self, error: &Error) -> Failure {
        Failure { retry_after: self.http.take_retry_after(), ..self.failure(Step::Account, error) }
    }

    /// The account's key, unless it cannot be read.
    fn kept_account(&self) -> Option<AccountCredentials> {
        let read = self.cache.account().map_err(|error| error.to_string());
        let parsed = read.and_then(|text| {
            text.map(|text| serde_json::from_str(&text).map_err(|error| error.to_string())).transpose()
        });
        parsed.unwrap_or_else(|why| {
            let path = self.cache.account_path();
            tracing::warn!(path = %path.display(), "the kept account cannot be used ({why}): a new one is made");
            self.set_account_aside();
            None
        })
    }

    fn set_account_aside(&self) {
        if let Err(error) = self.cache.set_account_aside() {
            tracing::warn!(path = %self.cache.account_path().display(), "the kept account cannot be moved away: {error}");
        }
    }

    fn unkept(&self, error: &std::io::Error) -> Failure {
        let path = self.cache.certificate_path();
        let folder = path.parent().unwrap_or(&path).display().to_string();
        Failure::new(format!(
            "what the authority gave cannot be kept in `{folder}`: {error}; see to the disk and the rights of the folder"
        ))
    }

    async fn order(&self, account: &Account, replaced: Option<&Certificate>) -> Result<Certificate, Failure> {
        // Before the authority is bothered: a certificate that cannot be kept is asked for again and again.
        self.cache.keep_failures(&self.cache.failures()).map_err(|error| self.unkept(&error))?;
        let mut order = match self.new_order(account, replaced).await {
            Ok(order) => order,
            Err(error) => {
                let failure = self.failure(Step::Order, &error);
                if failure.account_is_gone {
                    self.set_account_aside();
                }
                return Err(failure);
            }
        };
        let _answering = Answering(self);
        self.prove(&mut order).await?;
        let issued = |error| self.failure(Step::Issue, &error);
        let key = order.finalize().await.map_err(issued)?;
        let chain = order.poll_certificate(&self.patience()).await.map_err(issued)?;
        let certificate = Certificate::from_pem(format!("{key}{chain}"))
            .map_err(|why| Failure::new(format!("what the authority issued {why}")))?;
        if !certificate.covers(&self.options.names) {
            let names = shown(&certificate.facts.names.join(", "));
            return Err(Failure::new(format!("the authority issued a certificate for other names: {names}")));
        }
        self.cache.keep_certificate(certificate.pem()).map_err(|error| self.unkept(&error))?;
        Ok(certificate)
    }

    async fn new_order(&self, account: &Account, replaced: Option<&Certificate>) -> Result<Order, Error> {
        let names: Vec<_> = self.options.names.iter().cloned().map(Identifier::Dns).collect();
        if let Some(replaced) = replaced.and_then(|certificate| ari::identifier(&certificate.facts)) {
            match account.new_order(&NewOrder::new(&names).replaces(replaced)).await {
                // To be told what it replaces is a service to the authority. It may not know the certificate any more.
                Err(error) if !is_kind(&error, "rateLimited") => {
                    tracing::debug!(%error, "the order is made again without saying what it replaces");
                }
                made => return made,
            }
        }
        account.new_order(&NewOrder::new(&names)).await
    }

    fn patience(&self) -> RetryPolicy {
        let pace = &self.options.pace;
        RetryPolicy::new().initial_delay(pace.poll_pause).backoff(1.5).timeout(pace.poll_time_max)
    }

    /// Shows the authority that the names lead here.
    async fn prove(&self, order: &mut Order) -> Result<(), Failure> {
        let refused = |error| self.failure(Step::Validation, &error);
        let mut authorizations = order.authorizations();
        while let Some(next) = authorizations.next().await {
            let authorization = next.map_err(refused)?;
            let status = authorization.status;
            match status {
                AuthorizationStatus::Valid => {}
                AuthorizationStatus::Pending => self.answer(authorization).await?,
                _ => {
                    let name = authorization.identifier();
                    return Err(Failure::new(format!(
                        "the authority's check of `{name}` is {status:?} from the beginning"
                    )));
                }
            }
        }
        match order.poll_ready(&self.patience()).await {
            Ok(OrderStatus::Ready) => Ok(()),
            Ok(_) => Err(self.why_invalid(order, None).await),
            Err(error @ Error::Api(_)) => Err(self.why_invalid(order, Some(error)).await),
            Err(error) => Err(refused(error)),
        }
    }

    async fn answer(&self, authorization: AuthorizationHandle<'_>) -> Result<(), Failure> {
        // Its own lifetime, which the challenge borrows.
        let mut authorization = authorization;
        let name = authorization.identifier().to_string();
        let wanted = kind(self.options.challenge);
        let Some(mut challenge) = authorization.challenge(wanted) else {
            let (this, other) = match self.options.challenge {
                Challenge::TlsAlpn01 => ("TLS-ALPN-01", "set `http_listen` for a check by HTTP"),
                Challenge::Http01 => ("HTTP-01", "leave out `http_listen` for a check by TLS"),
            };
            return Err(Failure::new(format!("the authority does not check `{name}` by {this}; {other}")));
        };
        let answer = challenge.key_authorization();
        let ready = match self.options.challenge {
            Challenge::TlsAlpn01 => self.resolver.challenge(&name, answer.digest().as_ref()),
            Challenge::Http01 => self.http_challenges.challenge(&challenge.token, answer.as_str()),
        };
        ready.map_err(Failure::new)?;
        challenge.set_ready().await.map_err(|error| match error {
            Error::Api(problem) => explain_problem(Step::Validation, Some(&name), self.options.challenge, &problem),
            error => self.failure(Step::Validation, &error),
        })
    }

    /// Looks for the check that failed; the order itself seldom says more than that it is invalid.
    async fn why_invalid(&self, order: &mut Order, error: Option<Error>) -> Failure {
        let mut authorizations = order.authorizations();
        while let Some(Ok(mut authorization)) = authorizations.next().await {
            if authorization.refresh().await.is_err() {
                break;
            }
            let problem = authorization.challenges.iter().find_map(|challenge| challenge.error.as_ref());
            if let Some(problem) = problem {
                let name = authorization.identifier().to_string();
                return explain_problem(Step::Validation, Some(&name), self.options.challenge, problem);
            }
        }
        match error {
            Some(error) => self.failure(Step::Validation, &error),
            None => Failure::new("the authority made the order invalid and did not say why"),
        }
    }
}

const fn kind(challenge: Challenge) -> ChallengeType {
    match challenge {
        Challenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
        Challenge::Http01 => ChallengeType::Http01,
    }
}
