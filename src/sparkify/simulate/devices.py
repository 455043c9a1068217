"""User agents, each with its share of the people. Most are in literal quotes, as in the real logs."""


def _chrome(system: str, version: str) -> str:
    return f'"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version} Safari/537.36"'


def _safari(system: str, kit: str, version: str) -> str:
    return f'"Mozilla/5.0 ({system}) AppleWebKit/{kit} (KHTML, like Gecko) Version/{version} Safari/{kit}"'


def _mobile(system: str, build: str) -> str:
    browser = f"AppleWebKit/537.51.2 (KHTML, like Gecko) Version/7.0 Mobile/{build} Safari/9537.53"
    return f'"Mozilla/5.0 ({system}) {browser}"'


def _firefox(system: str, version: str) -> str:
    return f"Mozilla/5.0 ({system}; rv:{version}) Gecko/20100101 Firefox/{version}"


AGENTS: list[tuple[str, float]] = [
    (_chrome("Macintosh; Intel Mac OS X 10_9_4", "36.0.1985.143"), 10),
    (_chrome("Macintosh; Intel Mac OS X 10_9_4", "36.0.1985.125"), 4),
    (_chrome("Macintosh; Intel Mac OS X 10_9_3", "37.0.2062.94"), 3),
    (_chrome("Macintosh; Intel Mac OS X 10_10_0", "36.0.1985.143"), 3),
    (_chrome("Windows NT 6.1; WOW64", "36.0.1985.143"), 10),
    (_chrome("Windows NT 6.1; WOW64", "36.0.1985.125"), 6),
    (_chrome("Windows NT 6.3; WOW64", "36.0.1985.143"), 6),
    (_chrome("Windows NT 6.3; WOW64", "36.0.1985.125"), 3),
    (_chrome("Windows NT 6.2; WOW64", "36.0.1985.125"), 2),
    (_chrome("Windows NT 5.1", "36.0.1985.143"), 3),
    (_chrome("X11; Linux x86_64", "37.0.2062.94"), 4),
    (_safari("Macintosh; Intel Mac OS X 10_9_4", "537.78.2", "7.0.6"), 7),
    (_safari("Macintosh; Intel Mac OS X 10_9_4", "537.77.4", "7.0.5"), 5),
    (_safari("Macintosh; Intel Mac OS X 10_6_8", "534.59.10", "5.1.9"), 2),
    (_mobile("iPhone; CPU iPhone OS 7_1_2 like Mac OS X", "11D257"), 7),
    (_mobile("iPhone; CPU iPhone OS 7_1_1 like Mac OS X", "11D201"), 2),
    (_mobile("iPad; CPU OS 7_1_2 like Mac OS X", "11D257"), 4),
    (_firefox("Windows NT 6.1; WOW64", "31.0"), 6),
    (_firefox("Windows NT 6.1; WOW64", "32.0"), 2),
    (_firefox("Windows NT 5.1", "31.0"), 4),
    (_firefox("Macintosh; Intel Mac OS X 10.9", "31.0"), 5),
    (_firefox("Macintosh; Intel Mac OS X 10.9", "30.0"), 1),
    (_firefox("X11; Ubuntu; Linux x86_64", "31.0"), 3),
    ("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", 4),
    ("Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; WOW64; Trident/6.0)", 2),
    ("Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)", 1),
]
