{#- A condition that each row meets; null counts as not met. -#}
{% test holds_for_each_row(model, condition) %}
select *
from {{ model }}
where ({{ condition }}) is not true
{% endtest %}
