{{ config(materialized="view") }}

{{ messages_now("message_current") }}
