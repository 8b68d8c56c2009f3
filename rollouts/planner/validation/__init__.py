"""What makes a specification an InvalidSpec, first things first, in the words that clients know.

Spec checks come before anything is looked up, and their paths leave `canary` out (contract of Argo Rollouts); checks
of what a specification refers to have the whole path. Only the first problem becomes the condition.
"""
