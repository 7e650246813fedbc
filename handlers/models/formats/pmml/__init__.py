"""An evaluator of PMML's common subset: trees, regressions, models of models, scorecards and rule sets."""
