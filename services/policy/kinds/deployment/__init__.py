"""Deployments: documents whose decisions also change limits and work pools."""
