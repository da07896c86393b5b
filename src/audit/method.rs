//! The calls, by number. A record names a method by its number, so a number is never used twice.

/// Anything else that somebody asked for.
pub const METHOD_OTHER: u16 = 0;

/// Number and path of each method. New ones are added at the end; `tests/it/audit.rs` compares with the
/// descriptors.
pub const METHODS: &[(u16, &str)] = &[
    (1, "facemapvault.v1.FacemapVaultService/CreateEnrollment"),
    (2, "facemapvault.v1.FacemapVaultService/GetEnrollment"),
    (3, "facemapvault.v1.FacemapVaultService/ListEnrollments"),
    (4, "facemapvault.v1.FacemapVaultService/StartAuthentication"),
    (5, "facemapvault.v1.FacemapVaultService/GetAuthentication"),
    (6, "facemapvault.v1.FacemapVaultService/IngestCallback"),
    (7, "facemapvault.v1.FacemapVaultService/DeleteEnrollment"),
    (20, "facemapvault.admin.v1.StatusService/GetStatus"),
    (21, "facemapvault.admin.v1.StatusService/GetCoverage"),
    (22, "facemapvault.admin.v1.KeyService/ListKeyVersions"),
    (23, "facemapvault.admin.v1.EnrollmentAdminService/RegisterEnrollments"),
    (24, "facemapvault.admin.v1.EnrollmentAdminService/RetryCapture"),
    (25, "facemapvault.admin.v1.EnrollmentAdminService/CloseEnrollment"),
    (26, "facemapvault.admin.v1.EnrollmentAdminService/EraseEnrollment"),
    (27, "facemapvault.admin.v1.DoctorService/Diagnose"),
    (32, "facemapvault.admin.v1.DoctorService/Inspect"),
    (28, "facemapvault.admin.v1.SweepService/StartSweep"),
    (29, "facemapvault.admin.v1.SweepService/GetSweep"),
    (30, "facemapvault.admin.v1.SweepService/ListSweeps"),
    (31, "facemapvault.admin.v1.SweepService/CancelSweep"),
    (33, "facemapvault.admin.v1.KeyService/RotateKek"),
    (34, "facemapvault.admin.v1.KeyService/StartRewrap"),
    (35, "facemapvault.admin.v1.KeyService/GetRewrap"),
    (36, "facemapvault.admin.v1.KeyService/CancelRewrap"),
    (37, "facemapvault.admin.v1.KeyService/RetireKek"),
    (40, "facemapvault.admin.v1.AuditService/ListAuditEvents"),
    (41, "facemapvault.admin.v1.AuditService/VerifyAuditChain"),
    (42, "facemapvault.admin.v1.AuditService/HashSubject"),
    (50, "grpc.health.v1.Health/Check"),
    (51, "grpc.health.v1.Health/Watch"),
    (52, "grpc.health.v1.Health/List"),
    (53, "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"),
    (54, "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"),
];

/// The number of the method at `path`, without its leading slash. Anybody may ask for any path.
pub fn method_code(path: &str) -> u16 {
    METHODS.iter().find(|(_, known)| *known == path).map_or(METHOD_OTHER, |(code, _)| *code)
}

/// The method's own name, such as `StartAuthentication`.
pub fn method_name(code: u16) -> &'static str {
    let path = METHODS.iter().find(|(known, _)| *known == code).map_or("", |(_, path)| *path);
    path.rsplit_once('/').map_or("Other", |(_, name)| name)
}
