"""`python -m antiphon.services.gateway` runs the gateway."""

# The processes in which templates are rendered load this file under another name.
if __name__ == "__main__":
    from antiphon.services.gateway.main import run
    from antiphon.services.runtime.lifecycle import run_role

    run_role("gateway", run)
