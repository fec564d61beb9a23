"""PREVENT 2023, full model: risk of cardiovascular disease over 10 and 30 years, without race.

Khan SS, Matsushita K, Sang Y, et al. Development and Validation of the American Heart Association's PREVENT
Equations. Circulation 2024;149:430-449. doi:10.1161/CIRCULATIONAHA.123.067626. Coefficients: supplemental tables
S12A-J, with all their digits. PREVENT is the American Heart Association's name; no endorsement is implied.
HbA1c has a coefficient for people with and one for people without diabetes, the ratio enters by its natural
logarithm, deciles 4 to 6 and 7 to 10 of the index are compared with 1 to 3. Each of the three that is not measured has
a coefficient for that.
"""

from __future__ import annotations

from ml.equations.equation import risk_of_person
from ml.equations.prevent_terms import HBA1C, SDI, UACR, Coefficients, prevent_model
from ml.types import Sex

COEFFICIENTS: Coefficients = {
    (10, "female"): {
        "age": (0.7716794, 0.7023067, 0.884209, 0.7544208, 0.6848394),
        "non_hdl": (0.0062109, 0.0898765, 0.0, 0.1403589, 0.0327248),
        "hdl": (-0.1547756, -0.1407316, 0.0, -0.1954699, -0.0957615),
        "sbp_below_110": (-0.1933123, -0.0256648, -0.421474, -0.0021814, -0.07474),
        "sbp_from_110": (0.3071217, 0.314511, 0.3002919, 0.3127753, 0.3237856),
        "diabetes": (0.496753, 0.4799217, 0.6170359, 0.523075, 0.4441471),
        "smoking": (0.466605, 0.4062049, 0.5380269, 0.4594228, 0.3636951),
        "bmi_below_30": (0.0, 0.0, -0.0191335, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2764302, 0.0, 0.0),
        "egfr_below_60": (0.4780697, 0.3847744, 0.5975847, 0.4173237, 0.3629529),
        "egfr_from_60": (0.0529077, 0.0495174, 0.0654197, 0.0385169, 0.0603154),
        "antihypertensive": (0.3034892, 0.2133861, 0.3313614, 0.198164, 0.225342),
        "statin": (-0.1556524, -0.0678552, 0.0, -0.0557405, -0.0885632),
        "treated_sbp": (-0.0667026, -0.0451416, -0.1002304, -0.0940465, -0.0161592),
        "treated_non_hdl": (0.1061825, 0.0788187, 0.0, 0.0844888, 0.0727068),
        "age_x_non_hdl": (-0.0742271, -0.0535985, 0.0, -0.0630114, -0.0389022),
        "age_x_hdl": (0.0288245, 0.0291762, 0.0, 0.0473455, 0.0141743),
        "age_x_sbp_from_110": (-0.0875188, -0.0961839, -0.0845363, -0.0801956, -0.1121459),
        "age_x_diabetes": (-0.2267102, -0.2001466, -0.2989062, -0.2002523, -0.2089706),
        "age_x_smoking": (-0.0676125, -0.0586472, -0.1111354, -0.0484742, -0.0703397),
        "age_x_bmi_from_30": (0.0, 0.0, 0.0008104, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1493231, -0.1537791, -0.1666635, -0.1455343, -0.1605001),
        "sdi_4_to_6": (0.1361989, 0.1413965, 0.1213034, 0.1651771, 0.1064527),
        "sdi_7_to_10": (0.2261596, 0.228136, 0.2314147, 0.2276, 0.2095741),
        "sdi_missing": (0.1804508, 0.1588908, 0.1819138, 0.1602508, 0.140274),
        "ln_uacr": (0.1645922, 0.1371824, 0.1948135, 0.1406282, 0.1285363),
        "uacr_missing": (0.0198413, 0.0061613, 0.0395368, 0.032372, -0.0243528),
        "hba1c_with_diabetes": (0.1298513, 0.123192, 0.176668, 0.1656628, 0.089734),
        "hba1c_without_diabetes": (0.1412555, 0.1410572, 0.1614911, 0.1586376, 0.135479),
        "hba1c_missing": (-0.0031658, 0.005866, -0.0010583, 0.0266703, -0.0158448),
        "constant": (-3.860385, -4.291503, -4.896524, -5.131505, -4.800802),
    },
    (10, "male"): {
        "age": (0.7847578, 0.7128741, 0.9095703, 0.7335852, 0.7182761),
        "non_hdl": (0.0534485, 0.1465201, 0.0, 0.2403104, 0.0008864),
        "hdl": (-0.0911282, -0.1125794, 0.0, -0.1822238, -0.0220683),
        "sbp_below_110": (-0.4921973, -0.3387216, -0.6765184, -0.414886, -0.2719759),
        "sbp_from_110": (0.2972415, 0.2980252, 0.3111651, 0.2880084, 0.319957),
        "diabetes": (0.4527054, 0.399583, 0.5535052, 0.4937277, 0.2728292),
        "smoking": (0.3726641, 0.3379111, 0.4326811, 0.3326075, 0.3426763),
        "bmi_below_30": (0.0, 0.0, -0.0854286, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.3551736, 0.0, 0.0),
        "egfr_below_60": (0.3886854, 0.2582604, 0.5102245, 0.2586836, 0.2907134),
        "egfr_from_60": (0.0081661, 0.0147769, 0.015472, 0.0124978, 0.0186548),
        "antihypertensive": (0.2508052, 0.1686621, 0.2570964, 0.1132755, 0.240036),
        "statin": (-0.1538484, -0.1073619, 0.0, -0.0823542, -0.1218938),
        "treated_sbp": (-0.0474695, -0.0381038, -0.0591177, -0.0718794, 0.0042588),
        "treated_non_hdl": (0.1415382, 0.1034169, 0.0, 0.0765924, 0.1412729),
        "age_x_non_hdl": (-0.0436455, -0.0228755, 0.0, -0.0489011, 0.0275883),
        "age_x_hdl": (0.0199549, 0.0267453, 0.0, 0.0531464, -0.0079987),
        "age_x_sbp_from_110": (-0.1022686, -0.0897449, -0.1219056, -0.0813293, -0.1121897),
        "age_x_diabetes": (-0.1762507, -0.1497464, -0.2437577, -0.1679294, -0.1446989),
        "age_x_smoking": (-0.0715873, -0.077206, -0.105363, -0.0927969, -0.0580327),
        "age_x_bmi_from_30": (0.0, 0.0, 0.0037907, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1428668, -0.1198368, -0.1660207, -0.0677064, -0.1820914),
        "sdi_4_to_6": (0.0802431, 0.0651121, 0.1106372, 0.0705264, 0.0797728),
        "sdi_7_to_10": (0.275073, 0.2676683, 0.3371204, 0.2306082, 0.3204988),
        "sdi_missing": (0.144759, 0.1388492, 0.1694628, 0.094206, 0.1892707),
        "ln_uacr": (0.1772853, 0.1375837, 0.2164607, 0.1354182, 0.1404936),
        "uacr_missing": (0.1095674, 0.0652944, 0.1702805, 0.0759494, 0.0536898),
        "hba1c_with_diabetes": (0.1165698, 0.101282, 0.148297, 0.116195, 0.0868309),
        "hba1c_without_diabetes": (0.1048297, 0.1092726, 0.1234088, 0.0991112, 0.1187536),
        "hba1c_missing": (-0.0230072, -0.0112852, -0.0234637, 0.0213677, -0.060318),
        "constant": (-3.631387, -3.969788, -4.663513, -4.629874, -4.683048),
    },
    (30, "female"): {
        "age": (0.5073749, 0.4386739, 0.5927507, 0.47488, 0.4203891),
        "age_squared": (-0.0981751, -0.0921956, -0.1028754, -0.0950733, -0.0903905),
        "non_hdl": (0.0162303, 0.0977728, 0.0, 0.1472475, 0.0383085),
        "hdl": (-0.1617147, -0.1453525, 0.0, -0.1993519, -0.0989622),
        "sbp_below_110": (-0.1111241, 0.0590925, -0.3593781, 0.085684, 0.0088016),
        "sbp_from_110": (0.282946, 0.2862862, 0.2628556, 0.2781393, 0.2940083),
        "diabetes": (0.4004069, 0.3669136, 0.5113472, 0.3939798, 0.323036),
        "smoking": (0.2918701, 0.2354695, 0.347344, 0.2832155, 0.1925302),
        "bmi_below_30": (0.0, 0.0, 0.0564656, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2363857, 0.0, 0.0),
        "egfr_below_60": (0.1017102, 0.0354338, 0.1971295, 0.0585928, 0.0206737),
        "egfr_from_60": (0.0622643, 0.0573093, 0.0735227, 0.0452655, 0.0672637),
        "antihypertensive": (0.2872416, 0.1840085, 0.3219386, 0.1634427, 0.1935897),
        "statin": (-0.0768135, 0.0117504, 0.0, 0.0242915, -0.0118966),
        "treated_sbp": (-0.0557282, -0.0331945, -0.0880321, -0.0836302, -0.0056774),
        "treated_non_hdl": (0.0917585, 0.0664311, 0.0, 0.0714966, 0.0598872),
        "age_x_non_hdl": (-0.0679131, -0.0492826, 0.0, -0.0586624, -0.0343871),
        "age_x_hdl": (0.029076, 0.0288888, 0.0, 0.0469044, 0.013539),
        "age_x_sbp_from_110": (-0.0907755, -0.0964709, -0.0863132, -0.0777709, -0.1102987),
        "age_x_diabetes": (-0.2702118, -0.2279648, -0.3425359, -0.2216709, -0.2305906),
        "age_x_smoking": (-0.1373216, -0.120405, -0.181405, -0.1092446, -0.1298535),
        "age_x_bmi_from_30": (0.0, 0.0, 0.0031285, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1255864, -0.1157635, -0.1356989, -0.0992136, -0.1172069),
        "sdi_4_to_6": (0.1067741, 0.1107632, 0.0847634, 0.1325148, 0.0734163),
        "sdi_7_to_10": (0.1853138, 0.1840367, 0.18397, 0.1837377, 0.1614884),
        "sdi_missing": (0.1567115, 0.1308962, 0.1485802, 0.1285162, 0.1096146),
        "ln_uacr": (0.1028065, 0.0810739, 0.1273306, 0.0827556, 0.0726809),
        "uacr_missing": (-0.0006181, -0.0147785, 0.0167008, 0.0116095, -0.0463426),
        "hba1c_with_diabetes": (0.0925285, 0.0794709, 0.1378342, 0.1200107, 0.0451134),
        "hba1c_without_diabetes": (0.0975598, 0.1002615, 0.1138832, 0.1162423, 0.0924872),
        "hba1c_missing": (0.0101713, 0.017301, 0.0138979, 0.0378343, -0.0068354),
        "constant": (-1.748475, -2.314066, -2.642208, -3.099189, -2.858449),
    },
    (30, "male"): {
        "age": (0.4427595, 0.3743566, 0.5478829, 0.3858298, 0.3762751),
        "age_squared": (-0.1064108, -0.0995499, -0.1111928, -0.0994131, -0.0974722),
        "non_hdl": (0.0629381, 0.1544808, 0.0, 0.2479637, 0.005415),
        "hdl": (-0.1015427, -0.1215297, 0.0, -0.1913328, -0.0287694),
        "sbp_below_110": (-0.2542326, -0.1083968, -0.4547346, -0.1837089, -0.036424),
        "sbp_from_110": (0.2549679, 0.2555179, 0.2527602, 0.2417551, 0.2733756),
        "diabetes": (0.333835, 0.2696998, 0.4385384, 0.3599971, 0.1287781),
        "smoking": (0.1873833, 0.1628432, 0.2397952, 0.1581048, 0.1683627),
        "bmi_below_30": (0.0, 0.0, 0.0640931, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2643081, 0.0, 0.0),
        "egfr_below_60": (0.0246102, -0.077507, 0.1354588, -0.0707959, -0.0386502),
        "egfr_from_60": (0.0552014, 0.0583407, 0.0570689, 0.054403, 0.0596336),
        "antihypertensive": (0.1979729, 0.1120322, 0.220666, 0.0539143, 0.1833799),
        "statin": (-0.0407714, -0.0025063, 0.0, 0.0214637, -0.0188846),
        "treated_sbp": (-0.0365522, -0.0256116, -0.0436769, -0.0603516, 0.0181289),
        "treated_non_hdl": (0.1232822, 0.0886745, 0.0, 0.0616356, 0.1258208),
        "age_x_non_hdl": (-0.0441334, -0.0254507, 0.0, -0.0517511, 0.0267826),
        "age_x_hdl": (0.0177865, 0.0244639, 0.0, 0.0506964, -0.0116181),
        "age_x_sbp_from_110": (-0.1046657, -0.0869146, -0.1168376, -0.0754965, -0.1063796),
        "age_x_diabetes": (-0.2116113, -0.165745, -0.2730055, -0.1773555, -0.1519443),
        "age_x_smoking": (-0.1277905, -0.1244714, -0.1573691, -0.1355626, -0.1002027),
        "age_x_bmi_from_30": (0.0, 0.0, -0.0174998, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.0955922, -0.0624552, -0.1128676, -0.007771, -0.1214285),
        "sdi_4_to_6": (0.0256704, 0.015675, 0.057746, 0.0213662, 0.0329762),
        "sdi_7_to_10": (0.1887637, 0.1864231, 0.2446441, 0.1468633, 0.2360916),
        "sdi_missing": (0.089241, 0.0845697, 0.1076782, 0.0369637, 0.1347158),
        "ln_uacr": (0.0894596, 0.0560171, 0.1233486, 0.0548478, 0.0599546),
        "uacr_missing": (0.0710124, 0.0252244, 0.1274796, 0.0362993, 0.0124922),
        "hba1c_with_diabetes": (0.0676202, 0.0501422, 0.0985062, 0.0656365, 0.0353323),
        "hba1c_without_diabetes": (0.063409, 0.0722905, 0.0804844, 0.0621508, 0.0804095),
        "hba1c_missing": (0.0038783, 0.0114945, 0.0022806, 0.0457156, -0.0410015),
        "constant": (-1.504558, -1.985368, -2.425439, -2.643083, -2.713952),
    },
}

PREVENT_FULL = prevent_model(
    name="prevent_full",
    label="PREVENT full model",
    module=__name__,
    coefficients=COEFFICIENTS,
    optional=(HBA1C, UACR, SDI),
)


def prevent_full_risk(
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
    hba1c_percent: float | None,
    urine_albumin_creatinine_ratio_mg_g: float | None,
    sdi_decile: int | None,
) -> float:
    """Risk of `outcome` over 10 or 30 years by the PREVENT full model, as a probability.

    risk = 1 / (1 + exp(-sum(coefficient x term))), logistic, separate coefficients for women and men; the terms are
    in `prevent_terms.terms`. For people without known cardiovascular disease.
    Many people at once: `risk_of_people(PREVENT_FULL)`.

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
    hba1c_percent
        4.5-15 % (NGSP); None is "not measured".
    urine_albumin_creatinine_ratio_mg_g
        0.1-25,000 mg/g; None is "not measured".
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

    >>> round(prevent_full_risk(outcome="total_cvd", horizon_years=10, age_years=50, sex="female",
    ...     systolic_bp_mmhg=160, total_cholesterol_mmol_l=5.172, hdl_cholesterol_mmol_l=1.1637, bmi_kg_m2=35,
    ...     egfr_ml_min_173m2=90, has_diabetes=True, is_current_smoker=False, takes_antihypertensive=True,
    ...     takes_statin=False, hba1c_percent=7, urine_albumin_creatinine_ratio_mg_g=30,
    ...     sdi_decile=8), 6)
    0.141759
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
        "hba1c_percent": hba1c_percent,
        "urine_albumin_creatinine_ratio_mg_g": urine_albumin_creatinine_ratio_mg_g,
        "sdi_decile": sdi_decile,
    }
    return risk_of_person(PREVENT_FULL, outcome=outcome, horizon_years=horizon_years, person=person)
