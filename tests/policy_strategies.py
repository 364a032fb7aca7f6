"""Policies and facts of every kind, for promises that have no end."""

from hypothesis import strategies as st

from gerbang.model import Effect, Gap, Kind, Regime, Standing
from gerbang.policy.document import Document
from policy_builders import a_document, a_finding, a_rule, some_facts

WHEN = st.fixed_dictionaries(
    {"activity": st.sampled_from(["publishing", "participating", "post", ["view", "post"]])},
    optional={
        "regime": st.sampled_from(["office-hours", ["break", "rest-day"], "unknown"]),
        "account": st.sampled_from(["personal", "official", "unknown"]),
        "finding": st.sampled_from(
            [
                {"category": "political"},
                {"category": "political", "at_least": "certain"},
                {"check": "mykad", "count": 2},
            ]
        ),
        "gap": st.just("too-large"),
        "media": st.booleans(),
        "remedial": st.booleans(),
        "group": st.sampled_from(["support", "unknown"]),
        "target": st.just("@particontoh"),
        "target_in": st.sampled_from(["parties", ["parties", "unions"]]),
        "audience": st.just("public"),
    },
)
UNLESS = st.lists(
    st.sampled_from(
        [
            {"remedial": True},
            {"approval": "political", "group": "support"},
            {"finding": {"category": "correction"}},
            {"account": "official"},
            {"media": True},
            {"gap": "too-large"},
        ]
    ),
    max_size=2,
)
RULE = st.fixed_dictionaries(
    {
        "when": WHEN,
        "unless": UNLESS,
        "effect": st.sampled_from(list(Effect)),
        "mode": st.sampled_from(["enforce", "enforce", "observe"]),
    }
)
FINDINGS = st.lists(
    st.sampled_from(
        [
            a_finding("political", "possible"),
            a_finding("political", "certain"),
            a_finding("personal-data", check="mykad"),
            a_finding("correction", "certain"),
        ]
    ),
    max_size=3,
).map(tuple)
FACTS = st.builds(
    some_facts,
    kind=st.sampled_from([Kind.POST, Kind.VIEW, Kind.REACT, Kind.DELETE]),
    unclaimed=st.booleans(),
    regime=st.sampled_from(list(Regime)),
    standing=st.sampled_from(list(Standing)),
    service_group=st.sampled_from(["", "support", "professional"]),
    approvals=st.sampled_from([frozenset(), frozenset({"political"})]),
    findings=FINDINGS,
    gaps=st.sampled_from([(), (Gap("too-large"),)]),
    media=st.booleans(),
    remedial=st.booleans(),
    audience=st.sampled_from([None, "public"]),
    target=st.sampled_from([None, "particontoh"]),
    target_lists=st.frozensets(st.sampled_from(["parties", "unions"])),
)


@st.composite
def policies(draw: st.DrawFn) -> list[Document]:
    rules = [a_rule(f"rule-{number}", **rule) for number, rule in enumerate(draw(st.lists(RULE, max_size=8)))]
    documents = [a_document(*rules)]
    if rules and draw(st.booleans()):
        over = {"rule": f"trial/{draw(st.sampled_from(rules))['id']}", "reason": "r", "authority": "a"}
        documents.append(a_document(a_rule("softer", overrides=over, **draw(RULE)), policy="local"))
    return documents
