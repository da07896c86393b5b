//! A workflow execution: one run of a workflow on an account, and the credentials in it.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    clock::Moment,
    decision::{Outcome, Status},
    facemap::{Fingerprint, Source},
    hosts::Bases,
    id::Id,
    tenant::Tenant,
};

/// What kind of workflow a key stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    /// 10071: compare a new face with an uploaded facemap.
    OnPremises,
    /// 10014: compare a new face with the facemap Jumio still has.
    Authentication,
    /// ID, selfie and facemap.
    Onboarding,
    /// 10016: selfie and facemap.
    Liveness,
}

impl Flow {
    /// The workflow behind `key` and the key that answers show for it; `None` if the tenant has
    /// no such workflow.
    pub(super) fn of(key: &str, tenant: &Tenant) -> Option<(Self, String)> {
        if key == "16" {
            let first = tenant.on_premises_keys.first()?;
            return Some((Self::OnPremises, first.clone()));
        }
        let listed = |keys: &[String]| keys.iter().any(|known| known == key);
        let flow = match key {
            _ if listed(&tenant.on_premises_keys) => Self::OnPremises,
            "10014" => Self::Authentication,
            "10016" if listed(&tenant.onboarding_keys) => Self::Liveness,
            _ if listed(&tenant.onboarding_keys) => Self::Onboarding,
            _ => return None,
        };
        Some((flow, key.to_owned()))
    }

    /// Whether the person is compared with an earlier facemap.
    pub(super) fn authenticates(self) -> bool {
        matches!(self, Self::OnPremises | Self::Authentication)
    }

    /// The credentials of such an execution, in the order of Jumio's account answers.
    pub(super) fn roles(self) -> &'static [Role] {
        match self {
            Self::OnPremises => &[Role::NewFacemap, Role::StoredFacemap, Role::Selfie],
            Self::Authentication | Self::Liveness => &[Role::NewFacemap, Role::Selfie],
            Self::Onboarding => &[Role::Id, Role::NewFacemap, Role::Selfie],
        }
    }

    /// The same credentials in the order of Jumio's details.
    pub(super) fn roles_in_details(self) -> &'static [Role] {
        match self {
            Self::OnPremises => &[Role::Selfie, Role::NewFacemap, Role::StoredFacemap],
            Self::Authentication | Self::Liveness => &[Role::Selfie, Role::NewFacemap],
            Self::Onboarding => &[Role::Selfie, Role::NewFacemap, Role::Id],
        }
    }
}

/// The part a credential plays in its execution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// The facemap the person's device makes during the execution.
    NewFacemap,
    /// The facemap of an earlier execution, filled by upload.
    StoredFacemap,
    /// The selfie.
    Selfie,
    /// The identity document.
    Id,
}

impl Role {
    /// Jumio's category.
    pub(super) fn category(self) -> &'static str {
        match self {
            Self::NewFacemap | Self::StoredFacemap => "FACEMAP",
            Self::Selfie => "SELFIE",
            Self::Id => "ID",
        }
    }

    /// Parts the API channel takes in `flow`; none means the channel is closed.
    pub(super) fn uploadable(self, flow: Flow) -> &'static [&'static str] {
        match (self, flow) {
            (Self::StoredFacemap, _) => &["FACEMAP"],
            (Self::Selfie, Flow::Onboarding) => &["FACE"],
            (Self::Id, _) => &["FRONT", "BACK"],
            (Self::NewFacemap | Self::Selfie, _) => &[],
        }
    }

    /// Channels that may fill the credential in `flow`.
    pub(super) fn channels(self, flow: Flow) -> &'static [&'static str] {
        match (self, self.uploadable(flow).is_empty()) {
            (Self::StoredFacemap, _) => &["API"],
            (_, true) => &["WEB", "SDK"],
            (_, false) => &["WEB", "API", "SDK"],
        }
    }

    /// Parts that exist once the person's device has filled the credential. Jumio's documents
    /// show the liveness stills in this order.
    pub(super) fn captured(self) -> &'static [&'static str] {
        match self {
            Self::NewFacemap => &[
                "FACEMAP",
                "LIVENESS_1",
                "LIVENESS_3",
                "LIVENESS_2",
                "LIVENESS_5",
                "LIVENESS_4",
                "LIVENESS_6",
            ],
            Self::StoredFacemap => &[],
            Self::Selfie => &["FACE"],
            Self::Id => &["FRONT", "BACK"],
        }
    }
}

/// A workflow execution.
#[derive(Clone)]
pub(super) struct Execution {
    pub(super) id: Id,
    pub(super) account: Id,
    pub(super) flow: Flow,
    /// The definition key as answers show it.
    pub(super) key: String,
    pub(super) reference: String,
    pub(super) user_reference: Option<String>,
    pub(super) callback_url: Option<String>,
    /// Where links in callbacks point: the bases of the call that created the execution.
    pub(super) bases: Arc<Bases>,
    pub(super) token: String,
    pub(super) token_expires: Moment,
    pub(super) created: Moment,
    pub(super) started: Option<Moment>,
    pub(super) completed: Option<Moment>,
    pub(super) wiped: Option<Moment>,
    /// When the person last did something, while a session runs.
    pub(super) session: Option<Moment>,
    pub(super) status: Status,
    pub(super) outcome: Option<Outcome>,
    /// The facemap made in this execution.
    pub(super) facemap: Option<Source>,
    pub(super) liveness_type: String,
    /// Whether this facemap may be downloaded; `None` leaves it to the tenant.
    pub(super) download_allowed: Option<bool>,
    /// What was uploaded, oldest first.
    pub(super) uploads: Vec<Upload>,
}

impl Execution {
    /// The id of the thing called `name` in this execution; always the same one.
    pub(super) fn derive(&self, name: &str) -> Id {
        let mut hash = Sha256::new();
        hash.update(self.id.as_bytes());
        hash.update(name.as_bytes());
        let digest: [u8; 32] = hash.finalize().into();
        let mut bytes = [0; 16];
        bytes.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Id::from_bytes(bytes)
    }

    /// The id of the credential that plays `role`.
    pub(super) fn credential(&self, role: Role) -> Id {
        self.derive(match role {
            Role::NewFacemap => "credential/new-facemap",
            Role::StoredFacemap => "credential/stored-facemap",
            Role::Selfie => "credential/selfie",
            Role::Id => "credential/id",
        })
    }

    /// The role of the credential `id`, if it is one of this execution's.
    pub(super) fn role(&self, id: Id) -> Option<Role> {
        self.flow.roles().iter().copied().find(|role| self.credential(*role) == id)
    }

    /// Parts that credential has by now.
    pub(super) fn parts(&self, role: Role) -> Vec<&'static str> {
        if self.wiped.is_some() {
            return Vec::new();
        }
        if self.outcome.is_some_and(|outcome| outcome.captured) && role != Role::StoredFacemap {
            return role.captured().to_vec();
        }
        let uploaded = |part: &&&str| {
            self.uploads.iter().any(|upload| upload.role == role && upload.part == **part)
        };
        role.uploadable(self.flow).iter().filter(uploaded).copied().collect()
    }

    /// The stored facemap that counts: the last one uploaded.
    pub(super) fn stored_facemap(&self) -> Option<Fingerprint> {
        let stored = |upload: &&Upload| upload.role == Role::StoredFacemap;
        self.uploads.iter().rev().find(stored).map(|upload| upload.print)
    }

    /// Whether the facemap made in this execution may be downloaded.
    pub(super) fn downloadable(&self, tenant: &Tenant) -> bool {
        let allowed = self.download_allowed.unwrap_or(tenant.download_allowed);
        let kept = match self.flow {
            Flow::OnPremises => tenant.roll_forward,
            Flow::Authentication | Flow::Onboarding | Flow::Liveness => true,
        };
        allowed && kept && !Tenant::is_jumio_liveness(&self.liveness_type)
    }
}

/// A part that arrived through the API channel.
#[derive(Clone)]
pub(super) struct Upload {
    pub(super) role: Role,
    pub(super) part: &'static str,
    pub(super) print: Fingerprint,
}
