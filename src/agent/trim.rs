//! Gives memory back that a full round has freed: glibc keeps freed pages of small blocks until asked.

/// Returns freed pages to the system. The first full round of 50,000 peers frees more than the agent needs for good.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "glibc offers no safe name for it")]
pub fn trim() {
    // SAFETY: malloc_trim(3) is thread-safe and touches free memory only.
    let _ = unsafe { nix::libc::malloc_trim(0) };
}

/// Other C libraries have no such call.
#[cfg(not(target_env = "gnu"))]
pub fn trim() {}
