"""PREVENT 2023, model with the urine albumin-creatinine ratio: risk over 10 and 30 years, without race.

Khan SS, Matsushita K, Sang Y, et al. Development and Validation of the American Heart Association's PREVENT
Equations. Circulation 2024;149:430-449. doi:10.1161/CIRCULATIONAHA.123.067626. Coefficients: supplemental tables
S12A-J, with all their digits. PREVENT is the American Heart Association's name; no endorsement is implied.
The ratio enters by its natural logarithm. Where it is not measured, the model has a coefficient for that.
"""

from __future__ import annotations

from ml.equations.equation import risk_of_person
from ml.equations.prevent_terms import UACR, Coefficients, prevent_model
from ml.types import Sex

COEFFICIENTS: Coefficients = {
    (10, "female"): {
        "age": (0.7969249, 0.7201999, 0.9145975, 0.7614931, 0.6930839),
        "non_hdl": (0.0256635, 0.1135771, 0.0, 0.1765755, 0.0497817),
        "hdl": (-0.1588107, -0.1493506, 0.0, -0.1996513, -0.1036238),
        "sbp_below_110": (-0.2255701, -0.0726677, -0.4441346, -0.0760767, -0.1018981),
        "sbp_from_110": (0.3396649, 0.3436259, 0.3260323, 0.3374299, 0.3513877),
        "diabetes": (0.8047515, 0.7773094, 0.9611365, 0.8515443, 0.7371897),
        "smoking": (0.5285338, 0.4746662, 0.5755787, 0.5327847, 0.4124697),
        "bmi_below_30": (0.0, 0.0, 0.0008831, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2988964, 0.0, 0.0),
        "egfr_below_60": (0.4803511, 0.3824646, 0.5915291, 0.4067587, 0.3574419),
        "egfr_from_60": (0.0434472, 0.0394178, 0.0556823, 0.0325967, 0.0505453),
        "antihypertensive": (0.2985207, 0.2125182, 0.3314097, 0.1879265, 0.2339584),
        "statin": (-0.1497787, -0.0603046, 0.0, -0.036242, -0.0828306),
        "treated_sbp": (-0.0742889, -0.0466053, -0.1078596, -0.0976864, -0.0134372),
        "treated_non_hdl": (0.106756, 0.0733118, 0.0, 0.0631608, 0.073392),
        "age_x_non_hdl": (-0.0778126, -0.0534262, 0.0, -0.0644549, -0.0378598),
        "age_x_hdl": (0.0306768, 0.0325689, 0.0, 0.0488099, 0.0169872),
        "age_x_sbp_from_110": (-0.0907168, -0.0999887, -0.0875231, -0.0856819, -0.1157191),
        "age_x_diabetes": (-0.2705122, -0.2411762, -0.356859, -0.2559883, -0.2469561),
        "age_x_smoking": (-0.0830564, -0.0826941, -0.1220248, -0.0825615, -0.1014342),
        "age_x_bmi_from_30": (0.0, 0.0, -0.0053637, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1389249, -0.1444737, -0.1610389, -0.1357371, -0.155055),
        "ln_uacr": (0.1793037, 0.1501217, 0.2197281, 0.1588333, 0.140267),
        "uacr_missing": (0.0132073, 0.0050257, 0.0326667, 0.03215, -0.0282752),
        "constant": (-3.738341, -4.174614, -4.841506, -4.989932, -4.722218),
    },
    (10, "male"): {
        "age": (0.7768655, 0.7141718, 0.9111795, 0.7502946, 0.7318016),
        "non_hdl": (0.0659949, 0.1602194, 0.0, 0.2509378, 0.0213625),
        "hdl": (-0.0951111, -0.1139086, 0.0, -0.1815561, -0.025297),
        "sbp_below_110": (-0.420667, -0.2719456, -0.6693649, -0.3062719, -0.2574602),
        "sbp_from_110": (0.3120151, 0.3058719, 0.3290082, 0.2951241, 0.3284184),
        "diabetes": (0.698521, 0.6600631, 0.8377655, 0.6940439, 0.6166399),
        "smoking": (0.4314669, 0.3884022, 0.4978917, 0.3853768, 0.3835512),
        "bmi_below_30": (0.0, 0.0, -0.042749, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.3624165, 0.0, 0.0),
        "egfr_below_60": (0.3841364, 0.2466316, 0.5075796, 0.2541989, 0.2677033),
        "egfr_from_60": (0.009384, 0.0151852, 0.0137716, 0.0141383, 0.0139698),
        "antihypertensive": (0.2676494, 0.186167, 0.2739963, 0.1436559, 0.213571),
        "statin": (-0.1390966, -0.0894395, 0.0, -0.051752, -0.1219907),
        "treated_sbp": (-0.0579315, -0.0411884, -0.0645712, -0.0668907, 0.0038137),
        "treated_non_hdl": (0.1383719, 0.1058212, 0.0, 0.072524, 0.1454254),
        "age_x_non_hdl": (-0.0488332, -0.028089, 0.0, -0.0501194, 0.0165197),
        "age_x_hdl": (0.0200406, 0.0240427, 0.0, 0.0496393, -0.010184),
        "age_x_sbp_from_110": (-0.102454, -0.0912325, -0.1230039, -0.0834809, -0.1131545),
        "age_x_diabetes": (-0.2236355, -0.2004894, -0.3013297, -0.2093613, -0.2081075),
        "age_x_smoking": (-0.089485, -0.096936, -0.1410318, -0.1194638, -0.0804025),
        "age_x_bmi_from_30": (0.0, 0.0, 0.0021531, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1321848, -0.1022867, -0.1548018, -0.0585638, -0.1617206),
        "ln_uacr": (0.1887974, 0.1510073, 0.2306299, 0.1440077, 0.1624239),
        "uacr_missing": (0.0916979, 0.0556, 0.1472194, 0.0691246, 0.0412377),
        "constant": (-3.510705, -3.85146, -4.556907, -4.50564, -4.594023),
    },
    (30, "female"): {
        "age": (0.5491768, 0.4629669, 0.6319513, 0.4898341, 0.4354844),
        "age_squared": (-0.0937311, -0.0902777, -0.1009284, -0.0926865, -0.0881545),
        "non_hdl": (0.0359847, 0.1215214, 0.0, 0.1833508, 0.0550003),
        "hdl": (-0.1642965, -0.1522069, 0.0, -0.201611, -0.1048457),
        "sbp_below_110": (-0.1483404, 0.0092679, -0.3787175, 0.0091108, -0.0207028),
        "sbp_from_110": (0.313353, 0.3113609, 0.2863393, 0.2981863, 0.3165286),
        "diabetes": (0.6253766, 0.581256, 0.7631221, 0.6378172, 0.530582),
        "smoking": (0.3147172, 0.263167, 0.3355843, 0.3162011, 0.2019636),
        "bmi_below_30": (0.0, 0.0, 0.0677084, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2517238, 0.0, 0.0),
        "egfr_below_60": (0.1094663, 0.0391726, 0.1940067, 0.0561023, 0.0218821),
        "egfr_from_60": (0.0550705, 0.0492959, 0.0664006, 0.0412012, 0.059055),
        "antihypertensive": (0.2782433, 0.1786178, 0.3171436, 0.1482267, 0.1982863),
        "statin": (-0.0786239, 0.0131058, 0.0, 0.0374798, -0.0133205),
        "treated_sbp": (-0.0628947, -0.0325135, -0.0970661, -0.0857793, -0.0017964),
        "treated_non_hdl": (0.093204, 0.0617093, 0.0, 0.0509371, 0.0614446),
        "age_x_non_hdl": (-0.0710685, -0.0489189, 0.0, -0.0599687, -0.0331901),
        "age_x_hdl": (0.0306363, 0.0321079, 0.0, 0.0481562, 0.0162855),
        "age_x_sbp_from_110": (-0.0951455, -0.1003185, -0.0896239, -0.0829556, -0.1139342),
        "age_x_diabetes": (-0.3168231, -0.2684574, -0.400743, -0.2759708, -0.2664475),
        "age_x_smoking": (-0.1636391, -0.1547301, -0.2042041, -0.1535672, -0.1700553),
        "age_x_bmi_from_30": (0.0, 0.0, -0.0054699, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1265483, -0.1130703, -0.13602, -0.0957183, -0.1177106),
        "ln_uacr": (0.1142251, 0.0903471, 0.1486028, 0.0979522, 0.0806194),
        "uacr_missing": (-0.0055863, -0.0145818, 0.011608, 0.0128614, -0.0490149),
        "constant": (-1.583738, -2.178888, -2.538952, -2.958872, -2.780053),
    },
    (30, "male"): {
        "age": (0.464491, 0.3995607, 0.5750236, 0.420671, 0.4058962),
        "age_squared": (-0.0998895, -0.094557, -0.1062268, -0.0959158, -0.0942566),
        "non_hdl": (0.0757606, 0.1686692, 0.0, 0.2588159, 0.0258703),
        "hdl": (-0.1031778, -0.1202145, 0.0, -0.1879718, -0.0290019),
        "sbp_below_110": (-0.1990714, -0.0555561, -0.4633994, -0.0865129, -0.0374802),
        "sbp_from_110": (0.2715816, 0.2633566, 0.2742874, 0.2477111, 0.2801207),
        "diabetes": (0.4754637, 0.4362036, 0.612208, 0.4587997, 0.3729179),
        "smoking": (0.2069672, 0.1716233, 0.2614987, 0.1677282, 0.1649756),
        "bmi_below_30": (0.0, 0.0, 0.0895459, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2632424, 0.0, 0.0),
        "egfr_below_60": (0.0331103, -0.0775282, 0.1430472, -0.0654866, -0.0538202),
        "egfr_from_60": (0.0540474, 0.0561236, 0.0535184, 0.0537308, 0.0524689),
        "antihypertensive": (0.2189911, 0.1319331, 0.2417468, 0.0861796, 0.15643),
        "statin": (-0.0331044, 0.0102428, 0.0, 0.0482722, -0.0248041),
        "treated_sbp": (-0.04534, -0.0269294, -0.0498574, -0.0537927, 0.0189905),
        "treated_non_hdl": (0.1214535, 0.0920557, 0.0, 0.0580566, 0.1305961),
        "age_x_non_hdl": (-0.0483995, -0.0297021, 0.0, -0.0520054, 0.016562),
        "age_x_hdl": (0.0178997, 0.0217935, 0.0, 0.047197, -0.0136888),
        "age_x_sbp_from_110": (-0.1059324, -0.0893347, -0.1193827, -0.0783965, -0.1080585),
        "age_x_diabetes": (-0.2492861, -0.2081467, -0.316651, -0.2085875, -0.2046359),
        "age_x_smoking": (-0.1561543, -0.1542716, -0.2046122, -0.1733514, -0.1311197),
        "age_x_bmi_from_30": (0.0, 0.0, -0.0216878, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1012429, -0.0597254, -0.1165637, -0.0129715, -0.1122139),
        "ln_uacr": (0.1007571, 0.0684872, 0.1366452, 0.0609433, 0.0793756),
        "uacr_missing": (0.0572456, 0.0193962, 0.1078355, 0.0324875, 0.0025522),
        "constant": (-1.398727, -1.873449, -2.314872, -2.505263, -2.619781),
    },
}

PREVENT_UACR = prevent_model(
    name="prevent_uacr",
    label="PREVENT with albumin-creatinine ratio",
    module=__name__,
    coefficients=COEFFICIENTS,
    optional=(UACR,),
)


def prevent_uacr_risk(
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
    urine_albumin_creatinine_ratio_mg_g: float | None,
) -> float:
    """Risk of `outcome` over 10 or 30 years by the PREVENT model with the albumin-creatinine ratio, as a probability.

    risk = 1 / (1 + exp(-sum(coefficient x term))), logistic, separate coefficients for women and men; the terms are
    in `prevent_terms.terms`. For people without known cardiovascular disease.
    Many people at once: `risk_of_people(PREVENT_UACR)`.

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
    urine_albumin_creatinine_ratio_mg_g
        0.1-25,000 mg/g; None is "not measured".
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

    >>> round(prevent_uacr_risk(outcome="total_cvd", horizon_years=10, age_years=50, sex="female",
    ...     systolic_bp_mmhg=160, total_cholesterol_mmol_l=5.172, hdl_cholesterol_mmol_l=1.1637, bmi_kg_m2=35,
    ...     egfr_ml_min_173m2=90, has_diabetes=True, is_current_smoker=False, takes_antihypertensive=True,
    ...     takes_statin=False, urine_albumin_creatinine_ratio_mg_g=30), 6)
    0.153114
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
        "urine_albumin_creatinine_ratio_mg_g": urine_albumin_creatinine_ratio_mg_g,
    }
    return risk_of_person(PREVENT_UACR, outcome=outcome, horizon_years=horizon_years, person=person)
