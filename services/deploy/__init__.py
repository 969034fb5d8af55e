"""What Kubernetes is told: a Kustomize base, components and overlays.

What follows from our own declarations (topics, rights, processors) is generated here, so that it
cannot differ from them: `python -m services.deploy`. Guide: docs/operations/kubernetes.md.
"""
