"""Write PMML of what scikit-learn has trained, so that both can be asked the same."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

HEAD = '<PMML xmlns="http://www.dmg.org/PMML-4_4" version="4.4"><Header/>'


def file_of(model, fields, target):
    """Return a file: *fields* are (name, dataType) of the inputs, *target* is (name, dataType, values)."""
    name, kind, values = target
    listed = "".join(f"<Value value={quoteattr(str(value))}/>" for value in values)
    optype = "categorical" if len(values) else "continuous"
    data = "".join(f'<DataField name="{one}" optype="continuous" dataType="{of}"/>' for one, of in fields)
    data += f'<DataField name="{name}" optype="{optype}" dataType="{kind}">{listed}</DataField>'
    schema = "".join(f'<MiningField name="{one}"/>' for one, _ in fields)
    schema = f'<MiningSchema>{schema}<MiningField name="{name}" usageType="target"/></MiningSchema>'
    model = model.replace("<!--schema-->", schema)
    return f"{HEAD}<DataDictionary>{data}</DataDictionary>{model}</PMML>".encode()


def tree_model(tree, fields, classes=(), attributes=""):
    """Return the TreeModel of a trained tree; its fields are of 32 bits, as scikit-learn's are."""
    function = "classification" if len(classes) else "regression"
    head = f'<TreeModel functionName="{function}" splitCharacteristic="binarySplit" {attributes}><!--schema-->'
    return f"{head}{node(tree.tree_, 0, '<True/>', fields, classes)}</TreeModel>"


def node(tree, at, predicate, fields, classes):
    """Return a Node with all below it."""
    score, distribution = said(tree, at, classes)
    left, right = tree.children_left[at], tree.children_right[at]
    inner = ""
    if left >= 0:
        field, limit = fields[tree.feature[at]][0], repr(float(tree.threshold[at]))
        inner = "".join(
            node(tree, child, f'<SimplePredicate field="{field}" operator="{sign}" value="{limit}"/>', fields, classes)
            for child, sign in ((left, "lessOrEqual"), (right, "greaterThan"))
        )
    default = f'defaultChild="{left if tree.missing_go_to_left[at] else right}"' if left >= 0 else ""
    records = f'recordCount="{tree.n_node_samples[at]}"'
    return f'<Node id="{at}" {score} {records} {default}>{predicate}{distribution}{inner}</Node>'


def said(tree, at, classes):
    """Return the score of a node, and the distribution of classes."""
    values = tree.value[at][0]
    if not len(classes):
        return f'score="{float(values[0])!r}"', ""
    shares = values / values.sum()
    counts = "".join(
        f"<ScoreDistribution value={quoteattr(str(one))} recordCount={quoteattr(repr(float(share)))}/>"
        for one, share in zip(classes, shares, strict=True)
    )
    return f"score={quoteattr(str(classes[values.argmax()]))}", counts


def regression_table(intercept, coefficients, fields, category=None):
    """Return a RegressionTable of numbers."""
    of = f"targetCategory={quoteattr(str(category))}" if category is not None else ""
    terms = "".join(
        f'<NumericPredictor name="{name}" coefficient="{float(factor)!r}"/>'
        for (name, _), factor in zip(fields, coefficients, strict=True)
    )
    return f'<RegressionTable intercept="{float(intercept)!r}" {of}>{terms}</RegressionTable>'


def regression_model(tables, function="regression", method="none"):
    """Return a RegressionModel."""
    head = f'<RegressionModel functionName="{function}" normalizationMethod="{method}"><!--schema-->'
    return f"{head}{''.join(tables)}</RegressionModel>"


def mining_model(models, method, function="regression", *, weights=None, inside=""):
    """Return a MiningModel of models that are all asked; *inside* are elements between schema and segments."""
    weights = weights or [1.0] * len(models)
    segments = "".join(
        f'<Segment id="{number}" weight="{weight!r}"><True/>{model}</Segment>'
        for number, (model, weight) in enumerate(zip(models, weights, strict=True))
    )
    head = f'<MiningModel functionName="{function}"><!--schema-->{inside}'
    return f'{head}<Segmentation multipleModelMethod="{method}">{segments}</Segmentation></MiningModel>'
