"""What is broken on purpose in rankings, and where scores and slices are evened and split."""

from faults.mutation_list import Mutation

_ROUNDS = "emqs/retrieval/rounds.py"
_REFINING = "emqs/retrieval/refining.py"
_NEIGHBOURS = "emqs/retrieval/neighbours.py"
_OF_ROUNDS = "tests/retrieval/test_rounds.py"
_OF_EXPANSION = "tests/retrieval/test_expansion.py::test_a_search_goes_by_what_agrees_as_well"
_OF_REFINING = "tests/retrieval/test_refining.py"
_OF_NEIGHBOURS = "tests/retrieval/test_neighbours.py::test_neighbours_without_a_code_do_not_count"

MORE_MUTATIONS = [
    Mutation(
        "neighbours",
        "the place itself weighs twice",
        _NEIGHBOURS,
        "total / (1 + np.bincount(",
        "total / (2 + np.bincount(",
        _OF_NEIGHBOURS,
    ),
    Mutation(
        "neighbours",
        "scores of neighbours come back in the order of places",
        _NEIGHBOURS,
        "return result[which]",
        "return result[np.sort(which)]",
        _OF_NEIGHBOURS,
    ),
    Mutation(
        "neighbours",
        "a place without a code has the score 0",
        _NEIGHBOURS,
        "np.full(len(places), np.nan)",
        "np.zeros(len(places))",
        _OF_NEIGHBOURS,
    ),
    Mutation(
        "first matches",
        "they are told by their own scores alone",
        "emqs/retrieval/first_matches.py",
        "neighbours.evened(joined, others, some, scores[:size])",
        "scores[:size]",
        _OF_EXPANSION,
    ),
    Mutation(
        "first matches",
        "they lie on each other",
        "emqs/retrieval/first_matches.py",
        "distance_nm=edge, n_wanted=n",
        "distance_nm=0.0, n_wanted=n",
        _OF_EXPANSION,
    ),
    Mutation(
        "rounds",
        "a later round leaves one out",
        _ROUNDS,
        "seen, total = total, min(",
        "seen, total = total + 1, min(",
        f"{_OF_ROUNDS}::test_rounds_give_every_place_once_and_each_round_goes_on",
    ),
    Mutation(
        "rounds",
        "places of the second store are taken for those of the first",
        _ROUNDS,
        "joined.starts[number] + np.sort(positions)",
        "np.sort(positions)",
        f"{_OF_ROUNDS}::test_rounds_give_every_place_once_and_each_round_goes_on",
    ),
    Mutation(
        "rounds",
        "a neighbour that may not be found has no say",
        _ROUNDS,
        "neighbours.of_codes(joined, score, places[unknown])",
        "np.nan",
        f"{_OF_ROUNDS}::test_neighbours_count_that_may_not_be_found",
    ),
    Mutation(
        "rounds",
        "the last of those that are read again comes twice",
        _ROUNDS,
        "yield order[seen:], scores[order[seen:]]",
        "yield order[max(0, seen - 1) :], scores[order[max(0, seen - 1) :]]",
        f"{_OF_ROUNDS}::test_rounds_give_every_place_once_and_each_round_goes_on",
    ),
    Mutation(
        "refining",
        "results are given out as soon as codes are read",
        _REFINING,
        "n_looked_at // MARGIN - n_given",
        "n_looked_at - n_given",
        f"{_OF_REFINING}::test_all_candidates_come_in_the_end_the_best_first",
    ),
    Mutation(
        "refining",
        "a neighbour that is no candidate has the score of the next one",
        "emqs/retrieval/evening.py",
        "return numbers, self._positions[numbers] != places",
        "return numbers, self._positions[numbers] < 0",
        f"{_OF_ROUNDS}::test_neighbours_count_that_may_not_be_found",
    ),
    Mutation(
        "ranking",
        "of equal scores the last place comes first",
        "emqs/retrieval/ranking.py",
        "np.lexsort((positions, -scores))",
        "np.lexsort((-positions, -scores))",
        "tests/retrieval/test_ranking.py::test_the_best_come_first_and_equal_ones_by_position",
    ),
    Mutation(
        "ranking",
        "only the last example keeps its distance",
        "emqs/retrieval/ranking.py",
        "free &= _far(centres, blocker, distance_nm)",
        "free = _far(centres, blocker, distance_nm)",
        "tests/retrieval/test_ranking.py::test_what_is_near_to_any_example_is_left_out",
    ),
    Mutation(
        "smoothing",
        "a part is cut out with too little around it",
        "emqs/prediction/smoothing.py",
        "return 2 * round(reach) +",
        "return round(reach) +",
        "tests/prediction/test_smoothing.py::test_parts_with_a_margin_are_those_of_the_whole",
    ),
    Mutation(
        "smoothing",
        "the slope forgets the means",
        "emqs/prediction/smoothing.py",
        "reach) - bright * line",
        "reach)",
        "tests/prediction/test_smoothing.py::test_it_is_a_guided_filter",
    ),
    Mutation(
        "folds",
        "a block that lies elsewhere alone is a part",
        "emqs/ingestion/matching/parts.py",
        "friends.sum(axis=1) > 1",
        "friends.sum(axis=1) > 0",
        "tests/ingestion/test_parts.py"
        "::test_a_block_that_lies_elsewhere_needs_a_neighbour_that_does",
    ),
    Mutation(
        "folds",
        "the part that lies still is told by all blocks",
        "emqs/ingestion/matching/parts.py",
        "return affine.fit(first[close], second[close])",
        "return affine.fit(first, second)",
        "tests/ingestion/test_parts.py::test_a_fold_that_one_map_nearly_fits_is_seen",
    ),
]
