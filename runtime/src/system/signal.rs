//! Ctrl-C.

use std::future::pending;
use std::io;

use super::{Shutdown, ShutdownReport, System};

impl System {
    /// Waits for Ctrl-C and shuts down by `plan`; a second Ctrl-C kills what is
    /// left. The last line of many a `main`.
    ///
    /// From the first poll on Ctrl-C does no longer end the process by itself.
    /// For other signals, such as the one that containers are stopped by, see
    /// [`run_until`](Self::run_until).
    ///
    /// # Errors
    /// If the operating system does not let it listen.
    /// # Panics
    /// If there is no tokio runtime, or it does not drive I/O.
    /// # Cancel safety
    /// As [`run_until`](Self::run_until).
    ///
    /// ```no_run
    /// use tidegate::prelude::*;
    /// use tidegate::Shutdown;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
    /// let system = System::new();
    /// // .. spawn actors ..
    /// let report = system.run_until_ctrl_c(Shutdown::new()).await?;
    /// if !report.is_clean() {
    ///     eprintln!("{report}");
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn run_until_ctrl_c(&self, plan: Shutdown) -> io::Result<ShutdownReport> {
        tokio::signal::ctrl_c().await?;
        #[cfg(feature = "tracing")]
        tracing::info!("shutting down; Ctrl-C again kills what is left");
        let again = async {
            if tokio::signal::ctrl_c().await.is_err() {
                // Deadlines rule, then.
                pending::<()>().await;
            }
        };
        Ok(self.shut_down(plan, again).await)
    }
}
