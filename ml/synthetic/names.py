"""Invented names for invented people; the mark of the synthetic is added to the family name by `PatientIdentity`.

Family and given names stand in the same order, so that the two taken at one place go together.
"""

FAMILY_NAMES = (
    "Moreau", "Okafor", "Lindqvist", "Tanaka", "Delgado", "Novak", "Haddad", "Osei", "Petrov", "Ferreira", "Nguyen",
    "Abrams", "Castellano", "Virtanen", "Chowdhury", "Mbeki", "Kowalski", "Silva", "Yilmaz", "Park", "Andersen",
    "Rahman", "Dubois", "Morales", "Ivanova", "Sato", "Achebe", "Keller", "Romano", "Begum", "Zhang", "Torres",
    "Hughes", "Papadakis", "Nakamura", "Diallo", "Svensson", "Mahmoud", "Vargas", "Horvat", "Lehtonen", "Brennan",
    "Kaplan", "Singh", "Adeyemi", "Rossi", "Fournier", "Weiss", "Tran", "Jimenez", "Bakker", "Popescu", "Saleh",
    "Watanabe", "Murphy", "Nkosi", "Olsen", "Gupta", "Herrera", "Toth", "Marchetti", "Larsen", "Farouk", "Cheng",
)  # fmt: skip
GIVEN_NAMES = {
    "F": (
        "Anna", "Ngozi", "Ingrid", "Yuki", "Lucia", "Marta", "Layla", "Abena", "Olga", "Beatriz", "Linh", "Ruth",
        "Chiara", "Aino", "Nusrat", "Thandi", "Zofia", "Camila", "Elif", "Min-ji", "Freja", "Farah", "Claire",
        "Elena", "Mei", "Grace", "Sofia", "Amira", "Helga", "Priya", "Nora", "Teresa",
    ),
    "M": (
        "Paul", "Emeka", "Lars", "Kenji", "Mateo", "Jan", "Omar", "Kwame", "Dmitri", "Tiago", "Minh", "David",
        "Marco", "Eero", "Arif", "Sipho", "Piotr", "Rafael", "Mehmet", "Jun", "Henrik", "Tariq", "Louis", "Viktor",
        "Wei", "Samuel", "Nikos", "Karim", "Otto", "Arjun", "Sean", "Hugo",
    ),
}  # fmt: skip
