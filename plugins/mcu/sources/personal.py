"""Which fields of the exports tell of a person. Every field of a column map stands here: a test asks for it."""

from __future__ import annotations

# Of the citizen: what they wrote, where they live and are found, and what others wrote to or of them.
AUTHOR: dict[str, tuple[str, ...]] = {
    "incident": (
        *("author_url", "post_url", "blog_url", "answer_account_url", "message_text"),
        *("first_answer_text", "executor_answer_1", "executor_answer_2", "executor_answer_3"),
        *("closing_reason", "note", "tags"),
        *("settlement", "street", "house", "object_name", "object_legacy"),
    ),
    "pos": ("epgu_number", "sent_by_email"),
}

# Officials by name, who answer in their office: apart from the marts, but not forgotten with an author.
OFFICIAL: dict[str, tuple[str, ...]] = {
    "incident": ("executor",),
    "pos": ("coordinator_name", "executor_name", "manager_name"),
}

# Of nobody: classes, places, figures. A contact that somebody wrote into one of them is hidden in the marts.
NOBODY: dict[str, tuple[str, ...]] = {
    "incident": (
        *("cabinet", "incident_number", "department", "region", "municipality", "topic_group", "topic"),
        *("incident_type", "outcome", "current_step", "created_at", "closed_at", "total_elapsed"),
        *("first_answer_at", "first_answer_elapsed", "first_answer_elapsed_working", "last_assigned_at"),
        *("executor_first_answer_at", "executor_reaction_elapsed", "executor_in_time", "executor_draft_sent_at"),
        *("approval_elapsed", "answer_has_media", "message_has_media", "audience", "engagement"),
        *("satisfaction_step_at", "survey_sent"),
    ),
    "pos": (
        *("source_code", "top_lko", "category", "subcategory", "fact", "org_received", "org_current"),
        *("received_date", "planned_date", "completed_date", "stage", "status", "is_overdue", "is_fast_track"),
        *("law_kind", "applicant_chose_59fz", "resolution_type", "rating", "is_reconsidered"),
    ),
}
