"""Limits of deciding from local networks, which the drawn data sets were made to show."""

from ddlab.strategies.explanation import Explanation

VOTE = "majority"
OF_THE_VOTE = {
    "shapes_local": "The one object lies inside one random subdomain, so most local networks look at an empty "
    "background and can only name the most frequent class. In a majority vote they outnumber the one network that "
    "knows, unless what they name happens to be right. The average and CNN-DNN also hear how *sure* each is, and a "
    "guess is not sure.",
    "shapes_pairs": "The class is the pair of a left and a right object, so each local network knows only half of it "
    "and must guess the other half. Their votes are worth little; their probabilities, taken together, hold the whole "
    "answer.",
}
OF_THE_METHOD = {
    "shapes_relation": "**The honest limit of the method.** The class is a relation between objects in different "
    "subdomains. Each object alone appears equally often in both classes, so the local networks have nothing to learn "
    "and their probabilities carry no information. No strategy that trains them on their own can decide, CNN-DNN "
    "included; only networks that are trained as one can: the global one, and the coherent model.",
}


def limit_of(dataset: str, explanation: Explanation | None = None) -> str:
    """Say what a data set was made to show, in Markdown; empty for one that was not made to show anything.

    Parameters
    ----------
    explanation
        Of the image on screen, if there is one: whether the vote fails here follows from it.
    """
    if dataset not in OF_THE_VOTE:
        return OF_THE_METHOD.get(dataset, "")
    decisions = explanation.decisions if explanation else {}
    if explanation is None or VOTE not in decisions:
        heading = "Why a vote can fail."
    elif decisions[VOTE] == explanation.truth:
        heading = "The vote is right here, and fails elsewhere."
    else:
        heading = "Why the vote fails here."
    return f"**{heading}** {OF_THE_VOTE[dataset]}"
