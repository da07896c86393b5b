//! A vault that this process serves, beside a simulated Jumio.

use std::ops::Deref;

use facemap_vault::config::Config;
use facemap_vault::model::Timestamp;
use facemap_vault::proto::admin::v1::EraseEnrollmentRequest;
use facemap_vault::proto::admin::v1::enrollment_admin_service_client::EnrollmentAdminServiceClient;
use facemap_vault::proto::v1::Enrollment;
use facemap_vault::proto::v1::enrollment::State;
use facemap_vault::serve::{Running, initialize, start};
use serde_json::{Value, json};
use tonic::Status;

use super::caller::{self, Caller, Told};
use super::site::{Person, Site};

/// A running vault and its site.
pub(crate) struct Served {
    site: Site,
    config: Config,
    pub(crate) vault: Running,
    pub(crate) caller: Caller,
}

impl Deref for Served {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

impl Served {
    /// A vault with `extra` settings.
    pub(crate) async fn start(extra: &[(&str, &str)]) -> Self {
        let site = Site::start(extra).await;
        let flags: Vec<_> =
            site.settings().iter().map(|(key, value)| (key.as_str(), value.clone())).collect();
        let loaded = Config::load(None, std::iter::empty(), &flags);
        let config = loaded.unwrap_or_else(|problems| panic!("{problems}")).config;
        initialize(&config, Timestamp::now()).await.unwrap();
        let vault = start(&config, |_| {}).await.unwrap();
        let caller = Caller::new(caller::connect(&vault.grpc.to_string()).await);
        Self { site, config, vault, caller }
    }

    /// Stops the vault; its site and its settings stay.
    pub(crate) async fn stop(self) -> (Site, Config) {
        self.vault.stop().await;
        (self.site, self.config)
    }

    /// Somebody onboarded as `body` says, whose facemap is in the vault.
    pub(crate) async fn captured(&self, body: Value) -> Person {
        let person = self.onboard(body).await;
        let enrollment = self.enroll(&person).await.unwrap();
        assert_eq!(enrollment.state(), State::Active, "{enrollment:?}");
        person
    }

    /// Enrolls `person` and waits for what becomes of it.
    pub(crate) async fn enroll(&self, person: &Person) -> Result<Enrollment, Status> {
        let answer = self.caller.clone().create_enrollment(caller::enroll(person, 10)).await?;
        Ok(answer.into_inner().enrollment.unwrap())
    }

    /// Why an authentication of `account` is not started.
    pub(crate) async fn start_refused(&self, account: &str) -> Told {
        let refused = self.caller.clone().start_authentication(caller::start(account)).await;
        Told::by(&refused.expect_err("it must not start"))
    }

    /// Erases an account, over the admin socket.
    pub(crate) async fn erase(&self, account: &str) -> Result<Enrollment, Status> {
        let channel = caller::connect_socket(&self.vault.admin).await;
        let request = EraseEnrollmentRequest { name: format!("enrollments/{account}") };
        let answer = EnrollmentAdminServiceClient::new(channel).erase_enrollment(request).await?;
        Ok(answer.into_inner().enrollment.unwrap())
    }

    /// Lets requests with `method` to paths like `path` end in `action`, again and again.
    pub(crate) async fn spoil(&self, method: &str, path: &str, action: Value) {
        self.fault(json!({ "method": method, "path": path, "times": 1000, "action": action }))
            .await;
    }
}
