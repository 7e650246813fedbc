"""Transform processes of DataVec: a schema, and actions that are done to each row, one after the other.

Names of classes and members are those that DataVec writes into its JSON, of either of its two forms: a member `@class`
with the full name of a Java class, or an object around the members whose only key is the short name.
"""
