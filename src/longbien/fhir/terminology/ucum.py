"""UCUM: is this a unit, and what is it called? http://unitsofmeasure.org, version 2.1, case sensitive codes (c/s).

    main-term  = ["/"] term            term = component {("." | "/") component}
    component  = simple [annotation] | annotation | factor | "(" term ")"
    simple     = [prefix] atom [exponent]     factor = digits       annotation = "{" printable ASCII but braces "}"

The table holds each atom's name; what is metric takes prefixes. Conversions are not here."""

from __future__ import annotations

import re
from functools import lru_cache

DEEPEST = 20
PREFIXES = {
    "Y": "yotta", "Z": "zetta", "E": "exa", "P": "peta", "T": "tera", "G": "giga", "M": "mega", "k": "kilo", "h": "hecto",
    "da": "deka", "d": "deci", "c": "centi", "m": "milli", "u": "micro", "n": "nano", "p": "pico", "f": "femto", "a": "atto",
    "z": "zepto", "y": "yocto", "Ki": "kibi", "Mi": "mebi", "Gi": "gibi", "Ti": "tebi",
}  # fmt: skip

_METRIC = """m:meter|s:second|g:gram|rad:radian|K:kelvin|C:coulomb|cd:candela|mol:mole|sr:steradian|Hz:hertz|N:newton|Pa:pascal|
J:joule|W:watt|A:ampere|V:volt|F:farad|Ohm:ohm|S:siemens|Wb:weber|Cel:degree Celsius|T:tesla|H:henry|lm:lumen|lx:lux|Bq:becquerel|
Gy:gray|Sv:sievert|l:liter|L:liter|ar:are|t:tonne|bar:bar|u:unified atomic mass unit|eV:electronvolt|pc:parsec|
[c]:velocity of light|[h]:Planck constant|[k]:Boltzmann constant|[eps_0]:permittivity of vacuum|[mu_0]:permeability of vacuum|
[e]:elementary charge|[m_e]:electron mass|[m_p]:proton mass|[G]:Newtonian constant of gravitation|
[g]:standard acceleration of free fall|[ly]:light-year|gf:gram-force|Ky:Kayser|Gal:Gal|dyn:dyne|erg:erg|P:poise|Bi:biot|St:stokes|
Mx:maxwell|G:gauss|Oe:oersted|Gb:gilbert|sb:stilb|Lmb:lambert|ph:phot|Ci:curie|R:roentgen|RAD:radiation absorbed dose|
REM:radiation equivalent man|cal_[15]:calorie at 15 °C|cal_[20]:calorie at 20 °C|cal_m:mean calorie|
cal_IT:international table calorie|cal_th:thermochemical calorie|cal:calorie|tex:tex|m[H2O]:meter of water column|
m[Hg]:meter of mercury column|eq:equivalent|osm:osmole|g%:gram percent|kat:katal|U:unit|[iU]:international unit|
[IU]:international unit|Np:neper|B:bel|B[SPL]:bel sound pressure|B[V]:bel volt|B[mV]:bel millivolt|B[uV]:bel microvolt|
B[10.nV]:bel 10 nanovolt|B[W]:bel watt|B[kW]:bel kilowatt|st:stere|mho:mho|bit:bit|By:byte|Bd:baud|[Bd]:baud|
[m/s2/Hz^0.5]:meter per square seconds per square root of hertz"""

_PLAIN = """10*:the number ten for arbitrary powers|10^:the number ten for arbitrary powers|[pi]:the number pi|%:percent|
[ppth]:parts per thousand|[ppm]:parts per million|[ppb]:parts per billion|[pptr]:parts per trillion|gon:gon|deg:degree|':minute|
'':second|min:minute|h:hour|d:day|a_t:tropical year|a_j:mean Julian year|a_g:mean Gregorian year|a:year|wk:week|mo_s:synodal month|
mo_j:mean Julian month|mo_g:mean Gregorian month|mo:month|AU:astronomic unit|atm:standard atmosphere|[lbf_av]:pound force|
[in_i]:inch|[ft_i]:foot|[yd_i]:yard|[mi_i]:mile|[fth_i]:fathom|[nmi_i]:nautical mile|[kn_i]:knot|[sin_i]:square inch|
[sft_i]:square foot|[syd_i]:square yard|[cin_i]:cubic inch|[cft_i]:cubic foot|[cyd_i]:cubic yard|[bf_i]:board foot|[cr_i]:cord|
[mil_i]:mil|[cml_i]:circular mil|[hd_i]:hand|[ft_us]:foot, US survey|[yd_us]:yard, US survey|[in_us]:inch, US survey|
[rd_us]:rod, US survey|[ch_us]:Gunter's chain, US survey|[lk_us]:link for Gunter's chain|[rch_us]:Ramden's chain|
[rlk_us]:link for Ramden's chain|[fth_us]:fathom, US survey|[fur_us]:furlong, US survey|[mi_us]:mile, US survey|
[acr_us]:acre, US survey|[srd_us]:square rod, US survey|[smi_us]:square mile, US survey|[sct]:section|[twp]:township|
[mil_us]:mil, US survey|[in_br]:inch, British|[ft_br]:foot, British|[rd_br]:rod, British|[ch_br]:Gunter's chain, British|
[lk_br]:link for Gunter's chain, British|[fth_br]:fathom, British|[pc_br]:pace|[yd_br]:yard, British|[mi_br]:mile, British|
[nmi_br]:nautical mile, British|[kn_br]:knot, British|[acr_br]:acre, British|[gal_us]:Queen Anne's wine gallon|[bbl_us]:barrel|
[qt_us]:quart|[pt_us]:pint|[gil_us]:gill|[foz_us]:fluid ounce|[fdr_us]:fluid dram|[min_us]:minim|[crd_us]:cord|[bu_us]:bushel|
[gal_wi]:historical winchester gallon|[pk_us]:peck|[dqt_us]:dry quart|[dpt_us]:dry pint|[tbs_us]:tablespoon|[tsp_us]:teaspoon|
[cup_us]:cup|[foz_m]:metric fluid ounce|[cup_m]:metric cup|[tsp_m]:metric teaspoon|[tbs_m]:metric tablespoon|
[gal_br]:gallon, British|[pk_br]:peck, British|[bu_br]:bushel, British|[qt_br]:quart, British|[pt_br]:pint, British|
[gil_br]:gill, British|[foz_br]:fluid ounce, British|[fdr_br]:fluid dram, British|[min_br]:minim, British|[gr]:grain|[lb_av]:pound|
[oz_av]:ounce|[dr_av]:dram|[scwt_av]:short hundredweight|[lcwt_av]:long hundredweight|[ston_av]:short ton|[lton_av]:long ton|
[stone_av]:stone|[pwt_tr]:pennyweight|[oz_tr]:troy ounce|[lb_tr]:troy pound|[sc_ap]:scruple|[dr_ap]:dram|
[oz_ap]:apothecaries' ounce|[lb_ap]:apothecaries' pound|[oz_m]:metric ounce|[lne]:line|[pnt]:point|[pca]:pica|
[pnt_pr]:Printer's point|[pca_pr]:Printer's pica|[pied]:French foot|[pouce]:French inch|[ligne]:French line|[didot]:didot|
[cicero]:cicero|[degF]:degree Fahrenheit|[degR]:degree Rankine|[degRe]:degree Réaumur|[Cal]:nutrition label Calorie|
[Btu_39]:British thermal unit at 39 °F|[Btu_59]:British thermal unit at 59 °F|[Btu_60]:British thermal unit at 60 °F|
[Btu_m]:mean British thermal unit|[Btu_IT]:international table British thermal unit|[Btu_th]:thermochemical British thermal unit|
[Btu]:British thermal unit|[HP]:horsepower|[den]:Denier|[in_i'H2O]:inch of water column|[in_i'Hg]:inch of mercury column|
[PRU]:peripheral vascular resistance unit|[wood'U]:Wood unit|[diop]:diopter|[p'diop]:prism diopter|%[slope]:percent of slope|
[mesh_i]:mesh|[Ch]:Charrière|[drp]:drop|[hnsf'U]:Hounsfield unit|[MET]:metabolic equivalent|
[hp'_X]:homeopathic potency of decimal series|[hp'_C]:homeopathic potency of centesimal series|
[hp'_M]:homeopathic potency of millesimal series|[hp'_Q]:homeopathic potency of quintamillesimal series|
[hp_X]:homeopathic potency of decimal hahnemannian series|[hp_C]:homeopathic potency of centesimal hahnemannian series|
[hp_M]:homeopathic potency of millesimal hahnemannian series|[hp_Q]:homeopathic potency of quintamillesimal hahnemannian series|
[kp_X]:homeopathic potency of decimal korsakovian series|[kp_C]:homeopathic potency of centesimal korsakovian series|
[kp_M]:homeopathic potency of millesimal korsakovian series|[kp_Q]:homeopathic potency of quintamillesimal korsakovian series|
[pH]:pH|[S]:Svedberg unit|[HPF]:high power field|[LPF]:low power field|[arb'U]:arbitrary unit|
[USP'U]:United States Pharmacopeia unit|[GPL'U]:GPL unit|[MPL'U]:MPL unit|[APL'U]:APL unit|[beth'U]:Bethesda unit|
[anti'Xa'U]:anti factor Xa unit|[todd'U]:Todd unit|[dye'U]:Dye unit|[smgy'U]:Somogyi unit|[bdsk'U]:Bodansky unit|
[ka'U]:King-Armstrong unit|[knk'U]:Kunkel unit|[mclg'U]:Mac Lagan unit|[tb'U]:tuberculin unit|
[CCID_50]:50% cell culture infectious dose|[TCID_50]:50% tissue culture infectious dose|[EID_50]:50% embryo infectious dose|
[PFU]:plaque forming units|[FFU]:focus forming units|[CFU]:colony forming units|[IR]:index of reactivity|
[BAU]:bioequivalent allergen unit|[AU]:allergen unit|[Amb'a'1'U]:allergen unit for Ambrosia artemisiifolia|
[PNU]:protein nitrogen unit|[Lf]:Limit of flocculation|[D'ag'U]:D-antigen unit|[FEU]:fibrinogen equivalent unit|[ELU]:ELISA unit|
[EU]:Ehrlich unit|Ao:Ångström|b:barn|att:technical atmosphere|[psi]:pound per square inch|circ:circle|sph:sphere|
[car_m]:metric carat|[car_Au]:carat of gold alloys|[smoot]:Smoot|bit_s:bit, logarithmic|
[m/s2/Hz^0.5]:meter per square seconds per square root of hertz"""


def _table(text: str) -> dict[str, str]:
    rows = (row.strip().partition(":") for row in text.replace("\n", "").split("|"))
    return {code: name for code, _, name in rows if code}


METRIC = _table(_METRIC)
PLAIN = _table(_PLAIN)
_EXPONENT = re.compile(r"(.*?)([+-]?[0-9]{1,9})\Z", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,30}\Z")
_ANNOTATION = re.compile(r"\{[!-z|~]*\}")
_SYMBOL = re.compile(r"(?:\[[^\[\]{}]*\]|[^\[\]{}()./ \x00-\x1f\x7f-\U0010ffff])+")


def display(code: str) -> str | None:
    """What a unit is called ("milligram per deciliter"); None where it is no UCUM unit."""
    return _display(code) if len(code) <= 300 else None


@lru_cache(4096)
def _display(code: str) -> str | None:
    if not code:
        return None
    try:
        said, end = _term(code, 1 if code[0] == "/" else 0, 0)
    except ValueError:
        return None
    if end != len(code):
        return None
    return f"per {said}" if code[0] == "/" else said


def _term(text: str, at: int, depth: int) -> tuple[str, int]:
    """From `at` on: (words, where it ends). Raises ValueError."""
    if depth > DEEPEST:
        raise ValueError("too deep")
    said, at = _component(text, at, depth)
    while at < len(text) and text[at] in "./":
        word = " " if text[at] == "." else " per "
        more, at = _component(text, at + 1, depth)
        said += word + more
    return said, at


def _component(text: str, at: int, depth: int) -> tuple[str, int]:
    if at < len(text) and text[at] == "(":
        inner, at = _term(text, at + 1, depth + 1)
        if text[at : at + 1] != ")":
            raise ValueError("a bracket is open")
        said, at = f"({inner})", at + 1
    else:
        found = _SYMBOL.match(text, at)
        if found is None:
            return _annotation(text, at, None)
        said, at = _simple(found.group()), found.end()
    return _annotation(text, at, said)


def _annotation(text: str, at: int, said: str | None) -> tuple[str, int]:
    found = _ANNOTATION.match(text, at)
    if found is None:
        if said is None:
            raise ValueError("a unit is missing")
        return said, at
    note = found.group()[1:-1].replace("_", " ")
    return (f"({note})" if said is None else f"{said} ({note})"), found.end()


def _simple(symbol: str) -> str:
    if _NUMBER.match(symbol):
        return symbol
    name = _unit(symbol)
    if name is not None:
        return name
    split = _EXPONENT.match(symbol)
    name = _unit(split.group(1)) if split else None
    if name is None or split is None:
        raise ValueError(f"{symbol} is no unit")
    return f"{name} to the power {split.group(2)}" if split.group(2) not in ("2", "3") else _POWER[split.group(2)] + name


_POWER = {"2": "square ", "3": "cubic "}


def _unit(symbol: str) -> str | None:
    name = METRIC.get(symbol) or PLAIN.get(symbol)
    if name is not None:
        return name
    for length in (1, 2):
        prefix, atom = PREFIXES.get(symbol[:length]), METRIC.get(symbol[length:])
        if prefix and atom:
            return prefix + atom
    return None
