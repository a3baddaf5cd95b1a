//! TAXII 2.1 (<https://docs.oasis-open.org/cti/taxii/v2.1/taxii-v2.1.html>): discovery, API roots, collections, and
//! their objects page by page.

use std::io::Read;

use reqwest::Url;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tidegate_detect::intel::Page;

use crate::auth::Auth;
use crate::body::Body;
use crate::error::FeedError;
use crate::fetch::{Fetcher, address, host_of};

const MEDIA_TYPE: &str = "application/taxii+json;version=2.1";
/// Answers that only describe are not larger.
const ANSWER_BYTES_MAX: u64 = 4 << 20;
/// And pages of objects are not larger than this.
const PAGE_BYTES_MAX: u64 = 128 << 20;
/// A collection with more pages than this goes on at the next run.
const PAGES_MAX: usize = 2_000;
const API_ROOTS_MAX: usize = 100;
const OBJECTS_A_PAGE: &str = "1000";
const CURSOR_BYTES_MAX: usize = 4 << 10;
/// TAXII tells the time at which the last object of a page was added in this header.
const ADDED_LAST: &str = "x-taxii-date-added-last";

/// A group of collections on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRoot {
    /// Where it is.
    pub url: String,
    /// What it is called.
    pub title: String,
}

/// A collection of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxiiCollection {
    /// Where it is: what a [`Pull`] begins with.
    pub url: String,
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Whether we may read it.
    pub can_read: bool,
}

#[derive(Deserialize)]
struct Discovery {
    #[serde(default)]
    title: String,
    #[serde(default)]
    api_roots: Vec<String>,
}

#[derive(Deserialize)]
struct RootAnswer {
    #[serde(default)]
    title: String,
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct Collections {
    #[serde(default)]
    collections: Vec<CollectionAnswer>,
}

#[derive(Deserialize)]
struct CollectionAnswer {
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    can_read: bool,
}

/// The API roots of a server. `url` is its discovery address, such as `https://host/taxii2/`. Roots on another host are
/// left out: our secret is not for them.
///
/// # Errors
/// [`FeedError`].
pub async fn discover(fetcher: &Fetcher, url: &str, auth: &Auth) -> Result<Vec<ApiRoot>, FeedError> {
    let url = folder(url)?;
    let found: Discovery = answer(fetcher, url.clone(), auth).await?;
    let mut roots = Vec::new();
    for root in found.api_roots.iter().take(API_ROOTS_MAX) {
        let Ok(mut root) = url.join(root) else { continue };
        if root.origin() != url.origin() {
            continue;
        }
        end_with_slash(&mut root);
        roots.push(ApiRoot { url: root.into(), title: found.title.clone() });
    }
    if roots.is_empty() {
        return Err(FeedError::NotTaxii { host: host_of(&url), why: "it names no API root on this host".to_owned() });
    }
    Ok(roots)
}

/// Whether there is an API root here that speaks 2.1, and what it is called.
///
/// # Errors
/// [`FeedError::NotTaxii`] when it does not.
pub async fn api_root(fetcher: &Fetcher, url: &str, auth: &Auth) -> Result<ApiRoot, FeedError> {
    let url = folder(url)?;
    let found: RootAnswer = answer(fetcher, url.clone(), auth).await?;
    if !found.versions.iter().any(|version| version.contains("2.1")) {
        let why = format!("it speaks `{}`", found.versions.join("`, `").chars().take(100).collect::<String>());
        return Err(FeedError::NotTaxii { host: host_of(&url), why });
    }
    Ok(ApiRoot { url: url.into(), title: found.title })
}

/// The collections below an API root.
///
/// # Errors
/// [`FeedError`].
pub async fn collections(fetcher: &Fetcher, root: &str, auth: &Auth) -> Result<Vec<TaxiiCollection>, FeedError> {
    let url = folder(root)?;
    let list = join(&url, &["collections"])?;
    let found: Collections = answer(fetcher, list, auth).await?;
    found
        .collections
        .into_iter()
        .map(|one| {
            Ok(TaxiiCollection {
                url: join(&url, &["collections", &one.id])?.into(),
                title: if one.title.is_empty() { one.id.clone() } else { one.title },
                id: one.id,
                description: one.description.unwrap_or_default(),
                can_read: one.can_read,
            })
        })
        .collect()
}

/// A run through a collection, page by page:
/// `while let Some(mut body) = pull.page().await? { let report = body.read(…)?; pull.turn(&report.page); }`
#[derive(Debug)]
pub struct Pull<'a> {
    fetcher: &'a Fetcher,
    auth: &'a Auth,
    objects: Url,
    added_after: Option<String>,
    added_last: Option<String>,
    next: Option<String>,
    pages: usize,
    state: Turn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Fetch,
    Waiting,
    Over,
}

impl<'a> Pull<'a> {
    /// Begins with what was added to the collection after `added_after` (RFC 3339), or with all of it.
    ///
    /// # Errors
    /// [`FeedError::Address`].
    pub fn new(
        fetcher: &'a Fetcher,
        collection: &str,
        auth: &'a Auth,
        added_after: Option<&str>,
    ) -> Result<Self, FeedError> {
        let mut url = folder(collection)?;
        if !url.path().ends_with("/objects/") {
            url = join(&url, &["objects"])?;
        }
        let added_after = added_after.map(str::to_owned);
        Ok(Self {
            fetcher,
            auth,
            objects: url,
            added_after,
            added_last: None,
            next: None,
            pages: 0,
            state: Turn::Fetch,
        })
    }

    /// The next page; `None` after the last. Read it and then [`Pull::turn`] the page.
    ///
    /// # Errors
    /// [`FeedError`].
    pub async fn page(&mut self) -> Result<Option<Body>, FeedError> {
        if self.state != Turn::Fetch {
            return Ok(None);
        }
        let mut url = self.objects.clone();
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("limit", OBJECTS_A_PAGE);
            query.append_pair("match[type]", "indicator");
            if let Some(after) = &self.added_after {
                query.append_pair("added_after", after);
            }
            if let Some(next) = &self.next {
                query.append_pair("next", next);
            }
        }
        let response = self.fetcher.send(url, self.auth, HeaderMap::new(), MEDIA_TYPE).await?;
        let added_last = response.headers().get(ADDED_LAST).and_then(|text| text.to_str().ok());
        if let Some(added_last) = added_last.filter(|text| text.len() <= 64) {
            self.added_last = Some(added_last.to_owned());
        }
        let body = self.fetcher.spool(response, PAGE_BYTES_MAX).await?;
        self.pages += 1;
        self.state = Turn::Waiting;
        Ok(Some(body))
    }

    /// Turns the page, with what reading it told ([`tidegate_detect::intel::Report::page`]).
    pub fn turn(&mut self, page: &Page) {
        if self.state != Turn::Waiting {
            return;
        }
        self.state = Turn::Over;
        if !page.more || self.pages >= PAGES_MAX {
            return;
        }
        match &page.next {
            // The same cursor again would go round in circles.
            Some(next) if self.next.as_ref() != Some(next) && next.len() <= CURSOR_BYTES_MAX => {
                self.next = Some(next.clone());
                self.state = Turn::Fetch;
            }
            Some(_) => {}
            // Without a cursor the time of the last object leads on, if it moves.
            None if self.added_last.is_some() && self.added_last != self.added_after => {
                self.added_after.clone_from(&self.added_last);
                self.next = None;
                self.state = Turn::Fetch;
            }
            None => {}
        }
    }

    /// Where the next run begins: keep it when this one has come to its end.
    #[must_use]
    pub fn added_after(&self) -> Option<&str> {
        self.added_last.as_deref().or(self.added_after.as_deref())
    }
}

async fn answer<T: DeserializeOwned>(fetcher: &Fetcher, url: Url, auth: &Auth) -> Result<T, FeedError> {
    let host = host_of(&url);
    let response = fetcher.send(url, auth, HeaderMap::new(), MEDIA_TYPE).await?;
    let mut body = fetcher.spool(response, ANSWER_BYTES_MAX).await?;
    let mut text = Vec::new();
    body.open()?.take(ANSWER_BYTES_MAX).read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(|error| {
        let html = text.trim_ascii_start().starts_with(b"<");
        let why =
            if html { "it answers with a web page".to_owned() } else { format!("its answer cannot be read ({error})") };
        FeedError::NotTaxii { host, why }
    })
}

/// TAXII addresses end in a slash.
fn folder(url: &str) -> Result<Url, FeedError> {
    let mut url = address(url)?;
    url.set_query(None);
    url.set_fragment(None);
    end_with_slash(&mut url);
    Ok(url)
}

fn end_with_slash(url: &mut Url) {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
}

/// `url/part/part/`, each part escaped: ids come from the server.
fn join(url: &Url, parts: &[&str]) -> Result<Url, FeedError> {
    let mut url = url.clone();
    url.path_segments_mut().map_err(|()| FeedError::Address(String::new()))?.pop_if_empty().extend(parts).push("");
    Ok(url)
}
