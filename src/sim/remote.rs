//! A client of a running simulator, for demos and tests: the control API, and a look at Jumio's side
//! with a token of its own.

use serde_json::Value;

/// Speaks to the simulator at one URL as one OAuth client.
#[derive(Clone)]
pub struct Remote {
    http: reqwest::Client,
    url: String,
    client_id: String,
    client_secret: String,
}

impl Remote {
    /// For the simulator at `url`, with the client it made at its start.
    pub fn new(url: &str, client_id: &str, client_secret: &str) -> Self {
        Self {
            http: reqwest::Client::builder()
                .no_proxy()
                .user_agent("ExampleBank demo/1.0")
                .build()
                .expect("a client without settings of its own always builds"),
            url: url.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
        }
    }

    /// Posts to the control API; `path` follows `/__sim/`.
    ///
    /// # Errors
    ///
    /// What the simulator answered, if not success; or that it does not answer.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let request = self.http.post(format!("{}/__sim/{path}", self.url));
        answer(request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// Reads from the control API; `path` follows `/__sim/`.
    ///
    /// # Errors
    ///
    /// As [`Remote::post`].
    pub async fn get(&self, path: &str) -> Result<Value, String> {
        answer(self.http.get(format!("{}/__sim/{path}", self.url))).await
    }

    /// Reads from Jumio's side, as the tenant would: the status, and the body if it is JSON.
    ///
    /// # Errors
    ///
    /// That the simulator does not answer, or gives no access token.
    pub async fn retrieve(&self, path: &str) -> Result<(u16, Value), String> {
        let token = self
            .http
            .post(format!("{}/oauth2/token", self.url))
            .basic_auth(&self.client_id, Some(&self.client_secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let token = answer(token).await?;
        let token = token.get("access_token").and_then(Value::as_str).unwrap_or_default();
        let request = self.http.get(format!("{}{path}", self.url)).bearer_auth(token);
        let response = request.send().await.map_err(no_answer)?;
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(no_answer)?;
        Ok((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let response = request.send().await.map_err(no_answer)?;
    let status = response.status();
    let body = response.bytes().await.map_err(no_answer)?;
    let body = String::from_utf8_lossy(&body);
    match status.is_success() {
        true => Ok(serde_json::from_str(&body).unwrap_or(Value::Null)),
        false => Err(format!("the simulator answered {status}: {body}")),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn no_answer(error: reqwest::Error) -> String {
    format!("the simulator does not answer: {error}")
}
