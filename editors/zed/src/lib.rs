//! Starts `nasdsl lsp` for Zed: the program that the settings name, or the one on the path.

use zed_extension_api::{self as zed, settings::LspSettings, LanguageServerId, Result};

struct Nasdsl;

impl zed::Extension for Nasdsl {
    fn new() -> Self {
        Self
    }

    fn language_server_command(
        &mut self,
        server: &LanguageServerId,
        worktree: &zed::Worktree,
    ) -> Result<zed::Command> {
        let settings = LspSettings::for_worktree(server.as_ref(), worktree)?;
        let chosen = settings.binary.and_then(|binary| binary.path);
        let command = chosen
            .or_else(|| worktree.which("nasdsl"))
            .ok_or("nasdsl is not on the path: run `pip install \".[lsp]\"` in its checkout")?;
        Ok(zed::Command {
            command,
            args: vec!["lsp".into()],
            env: worktree.shell_env(),
        })
    }

    fn language_server_initialization_options(
        &mut self,
        server: &LanguageServerId,
        worktree: &zed::Worktree,
    ) -> Result<Option<zed::serde_json::Value>> {
        Ok(LspSettings::for_worktree(server.as_ref(), worktree)?.initialization_options)
    }
}

zed::register_extension!(Nasdsl);
