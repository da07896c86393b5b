//! Jumio's hosts, all served by one port: which path belongs to which, and where links point.

use axum::http::{HeaderMap, Method, Uri, header};

/// One of Jumio's services, each with a host of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Service {
    /// OAuth tokens.
    Auth,
    /// Create and update account.
    Account,
    /// Upload and finalize.
    Api,
    /// Status, details, steps, parts, deletion.
    Retrieval,
    /// Health.
    Status,
    /// The web client.
    Web,
}

/// The service whose host serves `path` for `method`; `None` if nobody does.
pub(super) fn service_of(method: &Method, path: &str) -> Option<Service> {
    match path {
        "/" => return Some(Service::Status),
        "/oauth2/token" => return Some(Service::Auth),
        "/web/v4/app" => return Some(Service::Web),
        "/api/v1/accounts" => return Some(Service::Account),
        _ => {}
    }
    let rest = path.strip_prefix("/api/v1/")?;
    if rest.starts_with("workflow-executions/") {
        return Some(Service::Retrieval);
    }
    let mut segments = rest.strip_prefix("accounts/")?.split('/').skip(1);
    let reads = *method == Method::GET || *method == Method::DELETE || *method == Method::HEAD;
    Some(match (segments.next(), segments.nth(1)) {
        (None, _) if reads => Service::Retrieval,
        (None, _) => Service::Account,
        (Some("credentials"), _) => Service::Retrieval,
        (Some(_), Some("credentials")) => Service::Api,
        (Some(_), Some(_)) => Service::Retrieval,
        (Some(_), None) if reads => Service::Retrieval,
        (Some(_), None) => Service::Api,
    })
}

/// The host a request names, without credentials or path.
pub(super) fn host_of(uri: &Uri, headers: &HeaderMap) -> String {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    uri.authority().map(|authority| authority.as_str()).or(named).unwrap_or_default().to_owned()
}

/// A host name of Jumio's, taken apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct JumioHost {
    service: Service,
    dc: String,
    port: Option<u16>,
}

impl JumioHost {
    /// Reads `{service}.{dc}.jumio.ai[:port]` or `{prefix}.web.{dc}.jumio.ai[:port]`.
    pub(super) fn parse(host: &str) -> Option<Self> {
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (host, None),
        };
        let name = name.to_ascii_lowercase();
        let mut labels = name.strip_suffix(".jumio.ai")?.rsplit('.');
        let dc = labels.next().filter(|dc| !dc.is_empty())?.to_owned();
        let service = match labels.next()? {
            "auth" => Service::Auth,
            "account" => Service::Account,
            "api" => Service::Api,
            "retrieval" => Service::Retrieval,
            "status" => Service::Status,
            "web" => Service::Web,
            _ => return None,
        };
        let prefix = labels.next();
        if prefix.is_some() != (service == Service::Web) || labels.next().is_some() {
            return None;
        }
        Some(Self { service, dc, port })
    }

    /// Whether this host serves `service`.
    pub(super) fn serves(&self, service: Option<Service>) -> bool {
        service == Some(self.service)
    }
}

/// Where the links of an answer point.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Bases {
    /// One base URL for everything, without a slash at its end.
    One(String),
    /// Jumio's host names.
    Jumio {
        /// The data centre, such as `amer-1`.
        dc: String,
        /// The port, if not 443.
        port: Option<u16>,
    },
}

impl Bases {
    /// The bases for an answer: those of `host` if it is one of Jumio's, else as the tenant's
    /// setting `style` says, `own` being the simulator's own address.
    pub(super) fn choose(host: Option<&JumioHost>, style: &str, own: &str) -> Self {
        if let Some(host) = host {
            return Self::Jumio { dc: host.dc.clone(), port: host.port };
        }
        match style {
            "jumio" => Self::Jumio { dc: "amer-1".to_owned(), port: None },
            "own" => Self::One(own.to_owned()),
            other => Self::One(other.trim_end_matches('/').to_owned()),
        }
    }

    /// Whether `style` is a valid setting.
    pub(super) fn is_style(style: &str) -> bool {
        matches!(style, "own" | "jumio")
            || url::Url::parse(style)
                .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
    }

    /// Base of upload and finalize.
    pub(super) fn api(&self) -> String {
        self.base("api")
    }

    /// Base of status, details, steps and parts.
    pub(super) fn retrieval(&self) -> String {
        self.base("retrieval")
    }

    /// Base of the web client of a tenant with `prefix`.
    pub(super) fn web(&self, prefix: &str) -> String {
        self.base(&format!("{prefix}.web"))
    }

    fn base(&self, name: &str) -> String {
        match self {
            Self::One(base) => base.clone(),
            Self::Jumio { dc, port: None } => format!("https://{name}.{dc}.jumio.ai"),
            Self::Jumio { dc, port: Some(port) } => format!("https://{name}.{dc}.jumio.ai:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_belongs_to_one_service() {
        let table = [
            ("GET", "/", Some(Service::Status)),
            ("POST", "/oauth2/token", Some(Service::Auth)),
            ("POST", "/api/v1/accounts", Some(Service::Account)),
            ("PUT", "/api/v1/accounts/a", Some(Service::Account)),
            ("DELETE", "/api/v1/accounts/a", Some(Service::Retrieval)),
            ("PUT", "/api/v1/accounts/a/workflow-executions/w", Some(Service::Api)),
            ("POST", "/api/v1/accounts/a/workflow-executions/w", Some(Service::Api)),
            ("GET", "/api/v1/accounts/a/workflow-executions/w", Some(Service::Retrieval)),
            ("DELETE", "/api/v1/accounts/a/workflow-executions/w", Some(Service::Retrieval)),
            ("GET", "/api/v1/accounts/a/workflow-executions/w/steps", Some(Service::Retrieval)),
            (
                "POST",
                "/api/v1/accounts/a/workflow-executions/w/credentials/c/parts/FACEMAP",
                Some(Service::Api),
            ),
            ("GET", "/api/v1/accounts/a/credentials/c/parts/FACEMAP", Some(Service::Retrieval)),
            ("GET", "/api/v1/workflow-executions/w", Some(Service::Retrieval)),
            ("GET", "/other", None),
        ];
        for (method, path, want) in table {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(service_of(&method, path), want, "{method} {path}");
        }
    }

    #[test]
    fn host_names_are_taken_apart() {
        let jumio = |service, port| Some(JumioHost { service, dc: "amer-1".to_owned(), port });
        let table = [
            ("auth.amer-1.jumio.ai", jumio(Service::Auth, None)),
            ("API.amer-1.jumio.ai:8443", jumio(Service::Api, Some(8443))),
            ("bank.web.amer-1.jumio.ai", jumio(Service::Web, None)),
            ("web.amer-1.jumio.ai", None),
            ("x.api.amer-1.jumio.ai", None),
            ("api.jumio.ai", None),
            ("other.amer-1.jumio.ai", None),
            ("127.0.0.1:8080", None),
            ("api.amer-1.jumio.ai:x", None),
        ];
        for (host, want) in table {
            assert_eq!(JumioHost::parse(host), want, "{host}");
        }
    }
}
