"""PREVENT 2023, model with the social deprivation index: risk over 10 and 30 years, without race.

Khan SS, Matsushita K, Sang Y, et al. Development and Validation of the American Heart Association's PREVENT
Equations. Circulation 2024;149:430-449. doi:10.1161/CIRCULATIONAHA.123.067626. Coefficients: supplemental tables
S12A-J, with all their digits. PREVENT is the American Heart Association's name; no endorsement is implied.
The index belongs to a ZIP code of the United States; deciles 1 to 3 are the reference, 4 to 6 and 7 to 10 have a
coefficient each. Where it is not known, the model has a coefficient for that.
"""

from __future__ import annotations

from ml.equations.equation import risk_of_person
from ml.equations.prevent_terms import SDI, Coefficients, prevent_model
from ml.types import Sex

COEFFICIENTS: Coefficients = {
    (10, "female"): {
        "age": (0.7754083, 0.7028123, 0.8819156, 0.7583013, 0.6883817),
        "non_hdl": (0.0221756, 0.1056078, 0.0, 0.1609442, 0.0468715),
        "hdl": (-0.1650828, -0.1502263, 0.0, -0.2079405, -0.1034667),
        "sbp_below_110": (-0.2180808, -0.0488757, -0.4495491, -0.0275333, -0.0975923),
        "sbp_from_110": (0.3381188, 0.3402681, 0.3457405, 0.3427306, 0.3471405),
        "diabetes": (0.8624372, 0.838022, 1.02632, 0.8984391, 0.8069261),
        "smoking": (0.4663953, 0.4064592, 0.5371646, 0.4576379, 0.3665732),
        "bmi_below_30": (0.0, 0.0, -0.0168447, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2805126, 0.0, 0.0),
        "egfr_below_60": (0.5919004, 0.4838394, 0.7315223, 0.5195616, 0.452297),
        "egfr_from_60": (0.0516821, 0.0480415, 0.0651679, 0.0352758, 0.0599795),
        "antihypertensive": (0.3182166, 0.2270648, 0.3491487, 0.208945, 0.2405852),
        "statin": (-0.1460816, -0.0585626, 0.0, -0.0468689, -0.0793314),
        "treated_sbp": (-0.0574455, -0.0349485, -0.0890335, -0.0799794, -0.0072051),
        "treated_non_hdl": (0.1302287, 0.1017299, 0.0, 0.1104907, 0.0939351),
        "age_x_non_hdl": (-0.083509, -0.062389, 0.0, -0.073155, -0.0462084),
        "age_x_hdl": (0.0282181, 0.0285106, 0.0, 0.0466579, 0.0135179),
        "age_x_sbp_from_110": (-0.0952647, -0.1033711, -0.0971028, -0.0893181, -0.1185197),
        "age_x_diabetes": (-0.2718966, -0.2477845, -0.3528078, -0.2583169, -0.2528965),
        "age_x_smoking": (-0.0641738, -0.0544326, -0.106216, -0.0428336, -0.0683003),
        "age_x_bmi_from_30": (0.0, 0.0, 0.0064998, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1717026, -0.1735372, -0.1899413, -0.1663626, -0.1805488),
        "sdi_4_to_6": (0.1442776, 0.1473705, 0.1343318, 0.1729684, 0.1122838),
        "sdi_7_to_10": (0.2421409, 0.2451878, 0.2496522, 0.2469497, 0.2267393),
        "sdi_missing": (0.1885076, 0.1691593, 0.1915023, 0.1678342, 0.148597),
        "constant": (-3.461564, -3.955898, -4.409382, -4.754823, -4.520553),
    },
    (10, "male"): {
        "age": (0.7756377, 0.7150087, 0.894179, 0.7373893, 0.7163792),
        "non_hdl": (0.0715325, 0.1627339, 0.0, 0.2569383, 0.0167351),
        "hdl": (-0.0976775, -0.1194988, 0.0, -0.1900041, -0.0265039),
        "sbp_below_110": (-0.5186614, -0.363659, -0.7067398, -0.4378936, -0.2920414),
        "sbp_from_110": (0.3235653, 0.3179476, 0.350241, 0.3091281, 0.3400705),
        "diabetes": (0.7722496, 0.7156422, 0.9252453, 0.761924, 0.6577977),
        "smoking": (0.3761129, 0.3404477, 0.4364765, 0.3312286, 0.3475259),
        "bmi_below_30": (0.0, 0.0, -0.0866297, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.3706765, 0.0, 0.0),
        "egfr_below_60": (0.5180893, 0.3545754, 0.6696768, 0.3577071, 0.381238),
        "egfr_from_60": (0.0118451, 0.0157875, 0.0237374, 0.0122218, 0.0221544),
        "antihypertensive": (0.2634094, 0.1786233, 0.2688352, 0.1225093, 0.2497899),
        "statin": (-0.1455263, -0.1018269, 0.0, -0.0793738, -0.1131643),
        "treated_sbp": (-0.0367013, -0.028313, -0.0434892, -0.0614155, 0.0141991),
        "treated_non_hdl": (0.1617785, 0.1209467, 0.0, 0.0930825, 0.1614911),
        "age_x_non_hdl": (-0.0507669, -0.0285806, 0.0, -0.0543692, 0.0216521),
        "age_x_hdl": (0.0178356, 0.0247348, 0.0, 0.0513455, -0.0103641),
        "age_x_sbp_from_110": (-0.1059337, -0.0919494, -0.1297155, -0.0842996, -0.1149054),
        "age_x_diabetes": (-0.2236755, -0.1981491, -0.299086, -0.2123504, -0.1965854),
        "age_x_smoking": (-0.0723216, -0.0776891, -0.1079522, -0.0917351, -0.0603548),
        "age_x_bmi_from_30": (0.0, 0.0, 0.0130483, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1548205, -0.1284899, -0.1797791, -0.0781765, -0.1894784),
        "sdi_4_to_6": (0.0889119, 0.0728242, 0.1235632, 0.0784806, 0.0858942),
        "sdi_7_to_10": (0.291897, 0.2824453, 0.3592212, 0.2464877, 0.3361503),
        "sdi_missing": (0.1508151, 0.1437348, 0.17924, 0.1005084, 0.1931235),
        "constant": (-3.159572, -3.624712, -4.058977, -4.254527, -4.37499),
    },
    (30, "female"): {
        "age": (0.5124233, 0.4396545, 0.5919097, 0.4784682, 0.4233798),
        "age_squared": (-0.0978159, -0.0918489, -0.1023133, -0.0949639, -0.0903496),
        "non_hdl": (0.0322131, 0.1132729, 0.0, 0.1674501, 0.0520837),
        "hdl": (-0.1717884, -0.1544977, 0.0, -0.2114148, -0.1062861),
        "sbp_below_110": (-0.1364536, 0.036315, -0.3864727, 0.0615055, -0.0125236),
        "sbp_from_110": (0.3074443, 0.3049229, 0.301876, 0.3002582, 0.3097278),
        "diabetes": (0.6709275, 0.6344794, 0.8162909, 0.6732723, 0.5894313),
        "smoking": (0.2897728, 0.234514, 0.3449647, 0.2797966, 0.1937933),
        "bmi_below_30": (0.0, 0.0, 0.0574975, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2367826, 0.0, 0.0),
        "egfr_below_60": (0.1670658, 0.0898312, 0.2790347, 0.1137308, 0.06519),
        "egfr_from_60": (0.0618439, 0.0564502, 0.0742645, 0.042602, 0.0674916),
        "antihypertensive": (0.2969806, 0.1933487, 0.3352935, 0.1694184, 0.2042876),
        "statin": (-0.0665514, 0.0220467, 0.0, 0.0340437, -0.0019616),
        "treated_sbp": (-0.0458917, -0.0229229, -0.0772532, -0.0699033, 0.0026075),
        "treated_non_hdl": (0.1168505, 0.0903326, 0.0, 0.0981533, 0.0815854),
        "age_x_non_hdl": (-0.0770419, -0.0579383, 0.0, -0.0686288, -0.0414664),
        "age_x_hdl": (0.027634, 0.0274011, 0.0, 0.0453879, 0.0120676),
        "age_x_sbp_from_110": (-0.0992045, -0.1039749, -0.0995144, -0.0871571, -0.1169076),
        "age_x_diabetes": (-0.3208137, -0.2785102, -0.4000423, -0.2814693, -0.2763132),
        "age_x_smoking": (-0.134847, -0.1167267, -0.1770335, -0.1043265, -0.1284758),
        "age_x_bmi_from_30": (0.0, 0.0, 0.0083046, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1399842, -0.1269382, -0.149585, -0.1106839, -0.1284556),
        "sdi_4_to_6": (0.1129725, 0.1149139, 0.0960646, 0.1382642, 0.0773125),
        "sdi_7_to_10": (0.1975843, 0.1976537, 0.1987543, 0.1991519, 0.1750215),
        "sdi_missing": (0.1627381, 0.1391241, 0.1562214, 0.1338539, 0.115797),
        "constant": (-1.493211, -2.116951, -2.317899, -2.860998, -2.714965),
    },
    (30, "male"): {
        "age": (0.437377, 0.3749788, 0.5387527, 0.3865174, 0.3727634),
        "age_squared": (-0.104443, -0.0990063, -0.1090333, -0.0992772, -0.0968343),
        "non_hdl": (0.0812573, 0.1708505, 0.0, 0.2645934, 0.0212833),
        "hdl": (-0.1069199, -0.1272841, 0.0, -0.1979722, -0.0320627),
        "sbp_below_110": (-0.2786727, -0.1275555, -0.4829094, -0.2006683, -0.0508137),
        "sbp_from_110": (0.2729256, 0.2659339, 0.2843569, 0.253011, 0.2836198),
        "diabetes": (0.5279006, 0.4676531, 0.6827667, 0.5076949, 0.3944883),
        "smoking": (0.1878949, 0.1610104, 0.2406677, 0.1515368, 0.1687114),
        "bmi_below_30": (0.0, 0.0, 0.0618028, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2705615, 0.0, 0.0),
        "egfr_below_60": (0.0866569, -0.0465144, 0.2255837, -0.0358612, -0.0124821),
        "egfr_from_60": (0.0594948, 0.0596996, 0.0653632, 0.0544152, 0.0633358),
        "antihypertensive": (0.2028246, 0.1147096, 0.2263243, 0.0561007, 0.186366),
        "statin": (-0.0308404, 0.0052906, 0.0, 0.0267945, -0.0084542),
        "treated_sbp": (-0.0283679, -0.0186687, -0.0316851, -0.0526596, 0.0248928),
        "treated_non_hdl": (0.1439353, 0.1063151, 0.0, 0.0780779, 0.1459343),
        "age_x_non_hdl": (-0.0510854, -0.0307797, 0.0, -0.056841, 0.0213704),
        "age_x_hdl": (0.0150236, 0.0218126, 0.0, 0.0482751, -0.0146372),
        "age_x_sbp_from_110": (-0.1095448, -0.0898242, -0.1258716, -0.079012, -0.1097247),
        "age_x_diabetes": (-0.2561109, -0.210054, -0.3243709, -0.2168168, -0.1980543),
        "age_x_smoking": (-0.1282945, -0.1246327, -0.1596172, -0.1342293, -0.1022135),
        "age_x_bmi_from_30": (0.0, 0.0, -0.0103092, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1011023, -0.0629358, -0.1204785, -0.0099119, -0.120455),
        "sdi_4_to_6": (0.0314626, 0.0199201, 0.0680528, 0.025501, 0.0354645),
        "sdi_7_to_10": (0.2003953, 0.194949, 0.2619865, 0.1560926, 0.2451115),
        "sdi_missing": (0.0927451, 0.0863835, 0.1151424, 0.0400473, 0.135502),
        "constant": (-1.251031, -1.836632, -2.060187, -2.459219, -2.609552),
    },
}

PREVENT_SDI = prevent_model(
    name="prevent_sdi",
    label="PREVENT with deprivation index",
    module=__name__,
    coefficients=COEFFICIENTS,
    optional=(SDI,),
)


def prevent_sdi_risk(
    *,
    outcome: str,
    horizon_years: int,
    age_years: float | None,
    sex: Sex | None,
    systolic_bp_mmhg: float | None,
    total_cholesterol_mmol_l: float | None,
    hdl_cholesterol_mmol_l: float | None,
    bmi_kg_m2: float | None,
    egfr_ml_min_173m2: float | None,
    has_diabetes: bool | None,
    is_current_smoker: bool | None,
    takes_antihypertensive: bool | None,
    takes_statin: bool | None,
    sdi_decile: int | None,
) -> float:
    """Risk of `outcome` over 10 or 30 years by the PREVENT model with the deprivation index, as a probability.

    risk = 1 / (1 + exp(-sum(coefficient x term))), logistic, separate coefficients for women and men; the terms are
    in `prevent_terms.terms`. For people without known cardiovascular disease.
    Many people at once: `risk_of_people(PREVENT_SDI)`.

    Parameters
    ----------
    outcome
        total_cvd, ascvd, heart_failure, chd or stroke. Only heart failure uses body mass index, and it uses no
        lipids; all inputs but those that may be None are needed.
    sex
        "female" or "male".
    horizon_years
        10 (ages 30-79) or 30 (ages 30-59).
    age_years
        Completed years.
    systolic_bp_mmhg
        90-180 mmHg.
    total_cholesterol_mmol_l, hdl_cholesterol_mmol_l
        130-320 and 20-100 mg/dL at 0.02586 mmol/L per mg/dL, with 0.005 mmol/L for rounding to two decimals.
    bmi_kg_m2, egfr_ml_min_173m2
        18.5-39.9 kg/m²; 15-140 mL/min/1.73 m² by CKD-EPI 2021.
    is_current_smoker
        Cigarettes within the last 30 days.
    sdi_decile
        1-10, whole, 10 the most deprived; None is "not known".
    has_diabetes, takes_antihypertensive, takes_statin
        True or False; None is not recorded and refused.

    Returns
    -------
    float
        Probability between 0 and 1, not rounded. PREVENT publishes no interval.

    Raises
    ------
    EquationRefusal
        A required input is missing (None), or any input is not a finite number or outside its range.
    ValueError
        No such outcome or horizon.

    References
    ----------
    Khan SS et al. Circulation 2024;149:430-449. doi:10.1161/CIRCULATIONAHA.123.067626

    Examples
    --------
    The American Heart Association's worked example (200 and 45 mg/dL), with what this model adds:

    >>> round(prevent_sdi_risk(outcome="total_cvd", horizon_years=10, age_years=50, sex="female",
    ...     systolic_bp_mmhg=160, total_cholesterol_mmol_l=5.172, hdl_cholesterol_mmol_l=1.1637, bmi_kg_m2=35,
    ...     egfr_ml_min_173m2=90, has_diabetes=True, is_current_smoker=False, takes_antihypertensive=True,
    ...     takes_statin=False, sdi_decile=8), 6)
    0.156546
    """
    person = {
        "age_years": age_years,
        "sex": sex,
        "systolic_bp_mmhg": systolic_bp_mmhg,
        "total_cholesterol_mmol_l": total_cholesterol_mmol_l,
        "hdl_cholesterol_mmol_l": hdl_cholesterol_mmol_l,
        "bmi_kg_m2": bmi_kg_m2,
        "egfr_ml_min_173m2": egfr_ml_min_173m2,
        "has_diabetes": has_diabetes,
        "is_current_smoker": is_current_smoker,
        "takes_antihypertensive": takes_antihypertensive,
        "takes_statin": takes_statin,
        "sdi_decile": sdi_decile,
    }
    return risk_of_person(PREVENT_SDI, outcome=outcome, horizon_years=horizon_years, person=person)
