{#- Every combination of these columns stands in the other table, too. -#}
{% test combination_exists(model, columns, to) %}
select {{ columns | join(", ") }} from {{ model }}
except
select {{ columns | join(", ") }} from {{ to }}
{% endtest %}
