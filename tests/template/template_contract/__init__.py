"""What the SAM template must keep to: the services' constraints, and the names that the code uses.

`python -m template_contract <template>` prints one line for each broken rule.
"""
