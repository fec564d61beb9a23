"""PREVENT 2023, model with HbA1c: risk of cardiovascular disease over 10 and 30 years, without race.

Khan SS, Matsushita K, Sang Y, et al. Development and Validation of the American Heart Association's PREVENT
Equations. Circulation 2024;149:430-449. doi:10.1161/CIRCULATIONAHA.123.067626. Coefficients: supplemental tables
S12A-J, with all their digits. PREVENT is the American Heart Association's name; no endorsement is implied.
Where HbA1c is not measured, the model has a coefficient for that; it has one for people with and one for people
without diabetes.
"""

from __future__ import annotations

from ml.equations.equation import risk_of_person
from ml.equations.prevent_terms import HBA1C, Coefficients, prevent_model
from ml.types import Sex

COEFFICIENTS: Coefficients = {
    (10, "female"): {
        "age": (0.7858178, 0.7111831, 0.8997391, 0.7559415, 0.6854957),
        "non_hdl": (0.0194438, 0.106797, 0.0, 0.1663933, 0.043261),
        "hdl": (-0.1521964, -0.1425745, 0.0, -0.1905004, -0.0983793),
        "sbp_below_110": (-0.2296681, -0.0736824, -0.4422749, -0.0768509, -0.1017197),
        "sbp_from_110": (0.3465777, 0.3480844, 0.3378691, 0.339647, 0.3565955),
        "diabetes": (0.5366241, 0.5112951, 0.681284, 0.5632228, 0.4609555),
        "smoking": (0.5411682, 0.4880292, 0.5886005, 0.5478, 0.4198301),
        "bmi_below_30": (0.0, 0.0, -0.0148657, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2958374, 0.0, 0.0),
        "egfr_below_60": (0.5931898, 0.4754997, 0.73447, 0.5105085, 0.4436518),
        "egfr_from_60": (0.0472458, 0.0438132, 0.05926, 0.0381344, 0.0544989),
        "antihypertensive": (0.3158567, 0.2259093, 0.3543475, 0.2023093, 0.2493831),
        "statin": (-0.1535174, -0.0648872, 0.0, -0.0425927, -0.0859775),
        "treated_sbp": (-0.0687752, -0.0437645, -0.1002139, -0.0953791, -0.0114564),
        "treated_non_hdl": (0.1054746, 0.0697082, 0.0, 0.0587372, 0.0689079),
        "age_x_non_hdl": (-0.0761119, -0.0506382, 0.0, -0.0607664, -0.036013),
        "age_x_hdl": (0.0307469, 0.0327475, 0.0, 0.0485765, 0.0171809),
        "age_x_sbp_from_110": (-0.0905966, -0.0996442, -0.0878765, -0.0841698, -0.115679),
        "age_x_diabetes": (-0.2241857, -0.1924338, -0.303684, -0.1986967, -0.2025816),
        "age_x_smoking": (-0.080186, -0.0803539, -0.1178943, -0.0807069, -0.1003882),
        "age_x_bmi_from_30": (0.0, 0.0, -0.008345, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1667286, -0.1682586, -0.1912183, -0.1610913, -0.1760082),
        "hba1c_with_diabetes": (0.1338348, 0.1339055, 0.1856442, 0.1832739, 0.0929695),
        "hba1c_without_diabetes": (0.1622409, 0.1596461, 0.1833083, 0.1755465, 0.1545054),
        "hba1c_missing": (-0.0142496, 0.0015678, -0.0143112, 0.0268381, -0.025509),
        "constant": (-3.306162, -3.838746, -4.288225, -4.667457, -4.396448),
    },
    (10, "male"): {
        "age": (0.7699177, 0.7064146, 0.911787, 0.7223642, 0.7244468),
        "non_hdl": (0.0605093, 0.1532267, 0.0, 0.2443591, 0.0134286),
        "hdl": (-0.0888525, -0.1082166, 0.0, -0.1755236, -0.0204357),
        "sbp_below_110": (-0.417713, -0.2675288, -0.6568071, -0.3025745, -0.2506963),
        "sbp_from_110": (0.3288657, 0.3173809, 0.3524645, 0.3056892, 0.3408562),
        "diabetes": (0.4759471, 0.432604, 0.5849752, 0.4874841, 0.35355),
        "smoking": (0.4385663, 0.3958842, 0.5014014, 0.3942456, 0.3854904),
        "bmi_below_30": (0.0, 0.0, -0.0512352, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.365294, 0.0, 0.0),
        "egfr_below_60": (0.5334616, 0.3665014, 0.6892219, 0.3748008, 0.3869787),
        "egfr_from_60": (0.0206431, 0.0250243, 0.0292377, 0.0250407, 0.0237663),
        "antihypertensive": (0.2917524, 0.2061158, 0.3038296, 0.1616182, 0.236159),
        "statin": (-0.1383313, -0.0899988, 0.0, -0.0513733, -0.1241976),
        "treated_sbp": (-0.0482622, -0.0334959, -0.0515032, -0.059131, 0.0095878),
        "treated_non_hdl": (0.1393796, 0.1034168, 0.0, 0.0710909, 0.1424174),
        "age_x_non_hdl": (-0.0463501, -0.0255406, 0.0, -0.0476587, 0.018922),
        "age_x_hdl": (0.0205926, 0.0247538, 0.0, 0.0502694, -0.0093452),
        "age_x_sbp_from_110": (-0.1037717, -0.0917441, -0.1262343, -0.0838455, -0.1143576),
        "age_x_diabetes": (-0.1737697, -0.1499195, -0.2449514, -0.1630679, -0.1559808),
        "age_x_smoking": (-0.0915839, -0.098089, -0.1392217, -0.1220691, -0.0824194),
        "age_x_bmi_from_30": (0.0, 0.0, 0.0009592, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1637039, -0.1305231, -0.1917105, -0.0859505, -0.1890904),
        "hba1c_with_diabetes": (0.13159, 0.1157161, 0.1652857, 0.1251064, 0.1076023),
        "hba1c_without_diabetes": (0.1295185, 0.1288303, 0.1505859, 0.1177006, 0.1408596),
        "hba1c_missing": (-0.0128373, -0.0010001, -0.0113444, 0.0285438, -0.0470943),
        "constant": (-3.040901, -3.51835, -3.961954, -4.219654, -4.179346),
    },
    (30, "female"): {
        "age": (0.5343493, 0.4555574, 0.6210856, 0.4853187, 0.4296679),
        "age_squared": (-0.0952314, -0.0903501, -0.1000972, -0.0929654, -0.0883118),
        "non_hdl": (0.0298124, 0.1148321, 0.0, 0.1733152, 0.0487321),
        "hdl": (-0.1578451, -0.1458754, 0.0, -0.1929452, -0.1001406),
        "sbp_below_110": (-0.1504488, 0.0089323, -0.3773697, 0.0092228, -0.0199947),
        "sbp_from_110": (0.3173368, 0.3139029, 0.295316, 0.298244, 0.3198382),
        "diabetes": (0.4314738, 0.386281, 0.5681692, 0.4210289, 0.3270964),
        "smoking": (0.3209399, 0.2714309, 0.3449139, 0.3254237, 0.2039542),
        "bmi_below_30": (0.0, 0.0, 0.0540094, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.249767, 0.0, 0.0),
        "egfr_below_60": (0.1771435, 0.0930987, 0.2875781, 0.1183472, 0.0699052),
        "egfr_from_60": (0.0582828, 0.0532216, 0.0692013, 0.0462805, 0.062555),
        "antihypertensive": (0.2888947, 0.1862181, 0.3334936, 0.1565331, 0.2080978),
        "statin": (-0.0795886, 0.0106964, 0.0, 0.033512, -0.0142009),
        "treated_sbp": (-0.0600438, -0.0329713, -0.0922339, -0.0866143, -0.0029543),
        "treated_non_hdl": (0.0920598, 0.0583609, 0.0, 0.0468497, 0.0574525),
        "age_x_non_hdl": (-0.0696108, -0.0463273, 0.0, -0.0564555, -0.0315382),
        "age_x_hdl": (0.0308807, 0.0324717, 0.0, 0.0481034, 0.0166448),
        "age_x_sbp_from_110": (-0.0954051, -0.1004777, -0.0907885, -0.0819801, -0.114502),
        "age_x_diabetes": (-0.2763408, -0.2266944, -0.3554646, -0.2264933, -0.2298924),
        "age_x_smoking": (-0.1623944, -0.1541859, -0.2008846, -0.153584, -0.170899),
        "age_x_bmi_from_30": (0.0, 0.0, -0.0079611, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1430514, -0.1286005, -0.156803, -0.1122738, -0.1307433),
        "hba1c_with_diabetes": (0.0940543, 0.0875827, 0.1448336, 0.134395, 0.0457624),
        "hba1c_without_diabetes": (0.1116486, 0.1126417, 0.1277838, 0.1270458, 0.1056467),
        "hba1c_missing": (-0.0024798, 0.0124356, -0.0022589, 0.0374905, -0.017081),
        "constant": (-1.341059, -2.011533, -2.193553, -2.802642, -2.618396),
    },
    (30, "male"): {
        "age": (0.4519873, 0.3883267, 0.5703729, 0.3944508, 0.397402),
        "age_squared": (-0.101624, -0.0958114, -0.1084544, -0.0956857, -0.0953425),
        "non_hdl": (0.0700456, 0.1613374, 0.0, 0.2519365, 0.0180202),
        "hdl": (-0.0968005, -0.1144418, 0.0, -0.181881, -0.0242534),
        "sbp_below_110": (-0.1923527, -0.0474338, -0.4471767, -0.0829203, -0.0283414),
        "sbp_from_110": (0.2827043, 0.2691281, 0.2910152, 0.2534596, 0.2870641),
        "diabetes": (0.3417152, 0.2859773, 0.4507242, 0.3298202, 0.1894407),
        "smoking": (0.2105272, 0.1759553, 0.259585, 0.1773379, 0.1632278),
        "bmi_below_30": (0.0, 0.0, 0.0850676, 0.0, 0.0),
        "bmi_from_30": (0.0, 0.0, 0.2637222, 0.0, 0.0),
        "egfr_below_60": (0.1113291, -0.0242898, 0.2454706, -0.0059506, -0.0027618),
        "egfr_from_60": (0.0640135, 0.0644523, 0.0675649, 0.0625623, 0.0605617),
        "antihypertensive": (0.2334248, 0.142874, 0.2611991, 0.0960268, 0.1700368),
        "statin": (-0.0299421, 0.0115062, 0.0, 0.0489115, -0.0256155),
        "treated_sbp": (-0.0393204, -0.02333, -0.0408908, -0.050231, 0.0201099),
        "treated_non_hdl": (0.1228854, 0.0899664, 0.0, 0.0573554, 0.1281684),
        "age_x_non_hdl": (-0.0463737, -0.0275478, 0.0, -0.0498819, 0.0185524),
        "age_x_hdl": (0.0184599, 0.022573, 0.0, 0.0479144, -0.0127335),
        "age_x_sbp_from_110": (-0.1085744, -0.090802, -0.1241051, -0.0796665, -0.1105848),
        "age_x_diabetes": (-0.2208049, -0.1771894, -0.2849461, -0.1822839, -0.1744077),
        "age_x_smoking": (-0.1577978, -0.1548847, -0.2032308, -0.1744951, -0.1333941),
        "age_x_bmi_from_30": (0.0, 0.0, -0.0239714, 0.0, 0.0),
        "age_x_egfr_below_60": (-0.1179375, -0.0732754, -0.138301, -0.0259456, -0.1254591),
        "hba1c_with_diabetes": (0.0768169, 0.0591089, 0.1101184, 0.0695636, 0.0500544),
        "hba1c_without_diabetes": (0.0777295, 0.0821158, 0.0949198, 0.0707541, 0.0917727),
        "hba1c_missing": (0.0092204, 0.0179755, 0.0084192, 0.0491596, -0.0311993),
        "constant": (-1.180767, -1.777708, -1.974999, -2.48433, -2.438154),
    },
}

PREVENT_HBA1C = prevent_model(
    name="prevent_hba1c",
    label="PREVENT with HbA1c",
    module=__name__,
    coefficients=COEFFICIENTS,
    optional=(HBA1C,),
)


def prevent_hba1c_risk(
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
) -> float:
    """Risk of `outcome` over 10 or 30 years by the PREVENT model with HbA1c, as a probability.

    risk = 1 / (1 + exp(-sum(coefficient x term))), logistic, separate coefficients for women and men; the terms are
    in `prevent_terms.terms`. For people without known cardiovascular disease.
    Many people at once: `risk_of_people(PREVENT_HBA1C)`.

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

    >>> round(prevent_hba1c_risk(outcome="total_cvd", horizon_years=10, age_years=50, sex="female",
    ...     systolic_bp_mmhg=160, total_cholesterol_mmol_l=5.172, hdl_cholesterol_mmol_l=1.1637, bmi_kg_m2=35,
    ...     egfr_ml_min_173m2=90, has_diabetes=True, is_current_smoker=False, takes_antihypertensive=True,
    ...     takes_statin=False, hba1c_percent=7), 6)
    0.1282
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
    }
    return risk_of_person(PREVENT_HBA1C, outcome=outcome, horizon_years=horizon_years, person=person)
