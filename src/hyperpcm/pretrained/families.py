"""The family of a protein, told by the words of its name, for figures by family.

The public files hold no classification of ChEMBL's, so names decide. That is coarse: a name that says nothing
of a family leaves its protein among the others.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["FAMILIES", "OTHER", "family_of"]

OTHER: Final = "other proteins"
"""Of a protein whose name tells none."""

_KINASE_LIKE: Final = (
    r"tyrosine-protein kinase|growth factor (\d+ |i+ )?receptor|ephrin (type-[ab] )?receptor"
    r"|^insulin receptor|stem cell growth|discoidin domain"
    r"|colony[- ]stimulating factor (1 )? *receptor|erbb|tgf-beta receptor|activin receptor"
    r"|bone morphogenetic protein receptor|proto-oncogene.*(ret|ros|met)|\btie-?2\b|angiopoietin"
    r"|syk protein|titin|anaplastic lymphoma"
)
_OTHER_KINASES: Final = (
    r"phosphatidylinositol|pi[34]-kinase|adenosine kinase|choline kinase|deoxycytidine"
    r"|nucleoside kinase|thymidine kinase|thymidylate kinase|hexokinase|glucokinase|fructokinase"
    r"|galactokinase|pyruvate kinase|pyruvate dehydrogenase kinase|carboxykinase"
    r"|sphingosine kinase|diacylglycerol kinase|creatine kinase|shikimate kinase"
    r"|pantothenate kinase|glycerate kinase|uridine.*kinase|uridylate kinase|urokinase"
    r"|diphosphokinase|pyridoxal kinase|mevalonate kinase|guanylate kinase|adenylate kinase"
    r"|glycerol kinase|inositol.*kinase|kinase inhibitor|kinase.*associated protein|kinase regulat"
)
_RECEPTORS_OF_G: Final = (
    r"adrenergic|adrenoceptor|adenosine|nociceptin|oxoeicosanoid|serotonin|5-ht|dopamine"
    r"|muscarinic|histamine h|opioid|cannabinoid|chemokine|melanocortin|neurokinin|orexin"
    r"|angiotensin|endothelin|bradykinin|cholecystokinin|gastrin|prostanoid|prostaglandin"
    r"|thromboxane|leukotriene|vasopressin|oxytocin|somatostatin|neuropeptide|galanin|ghrelin"
    r"|glucagon|secretin|melatonin|melanin-concentrating|metabotropic|gaba-b"
    r"|purinergic receptor p2y|pyrimidinergic|lysophosphatid|sphingosine 1-phosphate|g[- ]protein"
    r"|formyl peptide|bombesin|neuromedin|neurotensin receptor [12]|motilin|metastin|kiss"
    r"|urotensin|corticotropin|calcitonin|parathyroid|hydroxycarboxylic|nicotinic acid|niacin"
    r"|free fatty acid|bile acid receptor 1|smoothened|calcium sensing|c5a|c3a"
    r"|proteinase-activated|platelet activating|interleukin-8|trace amine|tachykinin|apelin"
    r"|relaxin|bile acid g|gonadotropin|follicle|thyroid stimulating|luteinizing|vasoactive"
    r"|pituitary adenylate|prokineticin|gastric inhibitory|glucose-dependent insulinotropic|gpr\d"
    r"|frizzled|lhcgr|anaphylatoxin|substance"
)
_RULES: Final = (
    (
        "kinases of lipids and small molecules",
        _OTHER_KINASES,
    ),
    (
        "protein phosphatases",
        r"\bphosphatase\b(?! inhibitor)|\bcdc25",
    ),
    (
        "protein kinases",
        r"kinase|" + _KINASE_LIKE,
    ),
    (
        "nuclear receptors",
        r"nuclear receptor|estrogen|androgen receptor|glucocorticoid receptor|mineralocorticoid"
        r"|progesterone|peroxisome proliferator|retino(ic|id)|vitamin d|\bthyroid hormone receptor"
        r"|\blxr|liver x|farnesoid|^bile acid receptor|pregnane|oxysterols receptor|ecdysone"
        r"|constitutive androstane",
    ),
    (
        "ion channels",
        r"channel|gaba receptor|gaba-a|gamma-aminobutyric acid receptor|nicotinic"
        r"|acetylcholine receptor (protein|subunit)|\[nmda\]|ionotropic|\bampa|kainate|p2x|serotonin 3"
        r"|5-ht3|glycine receptor|transient receptor potential|vanilloid|\bherg\b|ryanodine"
        r"|cystic fibrosis",
    ),
    (
        "G protein-coupled receptors",
        rf"({_RECEPTORS_OF_G}).*(receptor|purinoceptor|homolog)|p2y|g[- ]protein[- ]coupled",
    ),
    (
        "transporters",
        r"transporter|exchanger|cotransporter|multidrug resistance|p-glycoprotein|solute carrier"
        r"|atp-binding cassette|transporting atpase|atp-?ase|symporter|breast cancer resistance",
    ),
    (
        "proteases",
        r"prote(in)?ase(?!-activated)|peptidase|caspase|cathepsin|thrombin|trypsin|coagulation factor"
        r"|plasmin|renin|elastase|metallo|^adam|calpain|kallikrein|secretase|neprilysin"
        r"|converting enzyme|plasminogen activator|proteasome|furin|pepsin|chymase|tryptase|matriptase"
        r"|stromelysin|collagenase|gelatinase|cruzipain|falcipain|complement (c1|factor)|separase"
        r"|fibroblast activation|legumain|plasmepsin|granzyme|papain|seprase|neurotoxin|urokinase"
        r"|lethal factor",
    ),
    (
        "cytochromes P450",
        r"cytochrome p450|aromatase|demethylase.*lanosterol|lanosterol 14|sterol 14",
    ),
    (
        "carbonic anhydrases",
        r"carbonic anhydrase",
    ),
    (
        "phosphodiesterases",
        r"phosphodiesterase",
    ),
    (
        "enzymes and readers of histones",
        r"histone|nad-dependent.*deacetylase|bromodomain|chromobox|lysine-specific demethylase|sirtuin"
        r"|arginine n-methyltransferase|menin|lethal\(3\)malignant",
    ),
    (
        "other enzymes",
        r"\w*ase\b|\w+ase \w+|cyclooxygenase|enzyme",
    ),
)
FAMILIES: Final = (*(name for name, _ in _RULES), OTHER)
"""All families, in the order in which names are asked for them."""
_COMPILED: Final = tuple((name, re.compile(words, re.IGNORECASE)) for name, words in _RULES)
_UROKINASE: Final = re.compile("urokinase", re.IGNORECASE)


def family_of(name: str) -> str:
    """Return the family that the name of a protein tells, one of `FAMILIES`.

    Args:
        name: such as ``Carbonic anhydrase II``.

    >>> family_of("Cyclin-dependent kinase 2"), family_of("Serotonin 3a (5-HT3a) receptor")
    ('protein kinases', 'ion channels')
    """
    if _UROKINASE.search(name):
        return "proteases"
    return next((family for family, words in _COMPILED if words.search(name)), OTHER)
