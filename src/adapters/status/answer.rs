//! One request, one answer.

use std::net::IpAddr;
use std::sync::Arc;

use hyper::header::{self, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Version};
use tokio::sync::Semaphore;

use super::asked::{Asked, Refusal};
use super::world::{Subject, World};
use crate::model::{HostName, Language, ProfileName, Settings, limits};
use crate::render::page::{self, Visit};

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const JSON: &str = "application/json";
const STYLE: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";
const ATOM: &str = "application/atom+xml; charset=utf-8";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What all connections share.
pub(super) struct Service {
    pub(super) world: World,
    asked: Asked,
    /// Pages are made one at a time: a page of a great fleet takes its memory and a processor.
    turn: Semaphore,
}

impl Service {
    pub(super) fn new(world: World, asked: Asked) -> Self {
        Self {
            world,
            asked,
            turn: Semaphore::new(1),
        }
    }
}

/// Answers a request.
pub(super) async fn answer<B>(service: Arc<Service>, request: Request<B>) -> Response<String> {
    let mut response = choose(service, &request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn choose<B>(service: Arc<Service>, request: &Request<B>) -> Response<String> {
    let settings = service.world.settings().await;
    let page = settings
        .as_ref()
        .and_then(|known| known.status_page.as_ref());
    if !is_for_us(request, page.map_or(&[], |page| &page.names)) {
        return say(
            StatusCode::FORBIDDEN,
            TEXT,
            "ask by an address, by `localhost` or by a name that stands in `status_page.names`\n",
        );
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = say(StatusCode::METHOD_NOT_ALLOWED, TEXT, "for reading only\n");
        let allowed = HeaderValue::from_static("GET, HEAD");
        refused.headers_mut().insert(header::ALLOW, allowed);
        return refused;
    }
    let path = request.uri().path();
    if let Some(wanted) = wanted(path) {
        return shown(service, request, settings.as_deref(), wanted).await;
    }
    match path {
        "/style.css" => say(StatusCode::OK, STYLE, page::STYLE),
        "/icon.svg" => say(StatusCode::OK, SVG, page::ICON),
        "/metrics" => made(service, METRICS, World::metrics).await,
        "/api/v1/status" => made(service, JSON, World::document).await,
        "/probe" => match settings {
            Some(settings) => probed(&service.asked, &settings, request.uri().query()).await,
            None => unavailable(STARTING),
        },
        "/healthz" => match service.world.silence().await {
            Some(silence) if silence <= limits::PROGRESS => say(StatusCode::OK, TEXT, "ok\n"),
            Some(silence) => {
                let seconds = silence.as_secs();
                unavailable(format!("the loop has made no progress for {seconds} s\n"))
            }
            None => unavailable(STARTING),
        },
        "/readyz" => match service.world.silence().await {
            Some(_) => say(StatusCode::OK, TEXT, "ok\n"),
            None => unavailable(STARTING),
        },
        _ => say(StatusCode::NOT_FOUND, TEXT, "nothing is here; see /\n"),
    }
}

/// What is for people.
enum Wanted<'a> {
    Index,
    Profile(&'a str),
    Host(&'a str),
    Feed,
    Badge(&'a str),
}

/// What a path names, if it is one of those for people. Names need no encoding, so none is undone.
fn wanted(path: &str) -> Option<Wanted<'_>> {
    Some(match path {
        "/" => Wanted::Index,
        "/feed.atom" => Wanted::Feed,
        path => {
            if let Some(name) = path.strip_prefix("/profile/") {
                Wanted::Profile(name)
            } else if let Some(name) = path.strip_prefix("/host/") {
                Wanted::Host(name)
            } else {
                Wanted::Badge(path.strip_prefix("/badge/")?.strip_suffix(".svg")?)
            }
        }
    })
}

async fn shown<B>(
    service: Arc<Service>,
    request: &Request<B>,
    settings: Option<&Settings>,
    wanted: Wanted<'_>,
) -> Response<String> {
    let accepts = request.headers().get(header::ACCEPT_LANGUAGE);
    let accepts = accepts.and_then(|value| value.to_str().ok());
    let usual = settings.map_or(Language::default(), |known| known.wording.language);
    let visit = Visit::of(request.uri().query().unwrap_or_default(), accepts, usual);
    let Some(settings) = settings else {
        return say(
            StatusCode::SERVICE_UNAVAILABLE,
            HTML,
            page::starting(&visit),
        );
    };
    let profile = |name| {
        let name = ProfileName::try_new(name).ok()?;
        settings.profiles.get(&name)
    };
    let found = match wanted {
        Wanted::Index => Some((Subject::Index, HTML)),
        Wanted::Feed => Some((Subject::Feed, ATOM)),
        Wanted::Profile(name) => {
            profile(name).map(|profile| (Subject::Profile(Arc::clone(profile)), HTML))
        }
        Wanted::Badge(name) => {
            profile(name).map(|profile| (Subject::Badge(profile.name.clone()), SVG))
        }
        Wanted::Host(name) => {
            let name = HostName::try_new(name).ok();
            let host = name.and_then(|name| settings.hosts.get(&name));
            host.map(|host| (Subject::Host(Arc::clone(host)), HTML))
        }
    };
    let Some((subject, kind)) = found else {
        return say(StatusCode::NOT_FOUND, HTML, page::missing(&visit));
    };
    let every = visit.every().filter(|_| kind == HTML);
    let mut response = made(service, kind, move |world| world.page(&subject, &visit)).await;
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Language"));
    if let Some(seconds) = every {
        headers.insert(header::REFRESH, HeaderValue::from(seconds));
    }
    response
}

async fn probed(asked: &Asked, settings: &Settings, query: Option<&str>) -> Response<String> {
    match asked.probe(settings, query.unwrap_or_default()).await {
        Ok(page) => say(StatusCode::OK, METRICS, page),
        Err(refusal @ Refusal::NoTarget) => {
            say(StatusCode::BAD_REQUEST, TEXT, format!("{refusal}\n"))
        }
        Err(refusal @ Refusal::Foreign) => say(StatusCode::FORBIDDEN, TEXT, format!("{refusal}\n")),
        Err(refusal @ (Refusal::Busy | Refusal::TooLong)) => unavailable(format!("{refusal}\n")),
    }
}

const STARTING: &str = "the first decision is not made yet\n";

fn unavailable(words: impl Into<String>) -> Response<String> {
    say(StatusCode::SERVICE_UNAVAILABLE, TEXT, words)
}

async fn made(
    service: Arc<Service>,
    kind: &'static str,
    make: impl FnOnce(&World) -> Option<String> + Send + 'static,
) -> Response<String> {
    let Ok(_turn) = service.turn.acquire().await else {
        return unavailable(STARTING);
    };
    let maker = Arc::clone(&service);
    let page = tokio::task::spawn_blocking(move || make(&maker.world)).await;
    match page {
        Ok(Some(page)) => say(StatusCode::OK, kind, page),
        Ok(None) => unavailable(STARTING),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            say(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "see the log\n")
        }
    }
}

fn say(status: StatusCode, kind: &'static str, body: impl Into<String>) -> Response<String> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Whether the request names us by an address, by `localhost` or by a name that people gave us: another name that a stranger's server can turn to this
/// machine is neither. HTTP/1.0, which no browser speaks, may leave the name out.
fn is_for_us<B>(request: &Request<B>, names: &[String]) -> bool {
    let mut named = request.headers().get_all(header::HOST).iter();
    match (named.next(), named.next()) {
        (None, _) => request.version() == Version::HTTP_10,
        (Some(host), None) => host.to_str().is_ok_and(|host| is_ours(host, names)),
        (Some(_), Some(_)) => false,
    }
}

fn is_ours(host: &str, names: &[String]) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost")
        || names.iter().any(|known| name.eq_ignore_ascii_case(known))
        || bare.unwrap_or(name).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn addresses_and_localhost_name_us_and_nothing_else_does() {
        for ours in [
            "127.0.0.1:9807",
            "127.0.0.1",
            "[::1]:9807",
            "[::1]",
            "localhost",
            "LOCALHOST:80",
            "192.0.2.1:9807",
        ] {
            assert!(is_ours(ours, &[]), "{ours}");
        }
        for strange in [
            "",
            ":9807",
            "evil.test",
            "evil.test:9807",
            "localhost.evil.test",
            "127.0.0.1.evil.test",
            "127.0.0.1@evil.test",
            "0x7f000001",
            "2130706433",
        ] {
            assert!(!is_ours(strange, &[]), "{strange}");
        }
        let names = ["mon1.example.com".to_owned()];
        for (host, ours) in [
            ("mon1.example.com:9807", true),
            ("MON1.example.com", true),
            ("mon1.example.com.evil.test", false),
            ("mon2.example.com", false),
        ] {
            assert_eq!(is_ours(host, &names), ours, "{host}");
        }
    }
}
