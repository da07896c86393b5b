//! Compiles `proto/` into Rust and into the descriptor set that reflection serves. protox does it
//! inside cargo, so nobody has to install protoc.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message;

const PROTOS: [&str; 9] = [
    "facemapvault/v1/authentication.proto",
    "facemapvault/v1/enrollment.proto",
    "facemapvault/v1/error_reason.proto",
    "facemapvault/v1/facemap_vault_service.proto",
    "facemapvault/admin/v1/doctor_service.proto",
    "facemapvault/admin/v1/enrollment_admin_service.proto",
    "facemapvault/admin/v1/key_service.proto",
    "facemapvault/admin/v1/status_service.proto",
    "facemapvault/admin/v1/sweep_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=proto");

    let descriptors = protox::compile(PROTOS, ["proto"])?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR for build scripts")?);
    fs::write(out.join("descriptor_set.bin"), descriptors.encode_to_vec())?;

    tonic_prost_build::configure()
        // Bearer secrets: src/proto.rs prints it without them.
        .skip_debug(["facemapvault.v1.ClientSession"])
        .compile_fds(descriptors)?;
    Ok(())
}
