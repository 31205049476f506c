"""The list of mutations, which are made now and then, stays one of the code as it is."""

import pytest
from faults.mutation_list import MUTATIONS, Mutation
from faults.mutation_list_searches import MORE_MUTATIONS
from faults.mutations import ROOT, mutated

EVERY = (*MUTATIONS, *MORE_MUTATIONS)


@pytest.mark.parametrize("mutation", EVERY, ids=[one.what for one in EVERY])
def test_what_a_mutation_replaces_stands_once(mutation: Mutation) -> None:
    text = (ROOT / mutation.file).read_text(encoding="utf-8")
    assert mutated(text, mutation) != text
    test, name = mutation.test.split("::")
    assert f"def {name.split('[')[0]}(" in (ROOT / test).read_text(encoding="utf-8")
