"""The characters that the base network learns.

Chosen by hand: no digits and nothing that we took for one (O, o, Q, l, I, Z,
S, B, G, b, q, g, theta, beta, sigma, z and their like in other scripts), and
no two characters that differ only in size or are drawn alike in two scripts.
"""

SCRIPTS = {
    "latin": "ACEFHJKMNPRTUVWXY" + "adefhmnrt" + "æœ@#€¶",
    "greek": "ΓΔΛΞΠΣΦΨΩ" + "αηλμπω",
    "cyrillic": "ДЖИЙЦШЩЫЮЯЂЊ",
    "georgian": "აგდთკლნჟტქყშჭხჯჰ",
    "hebrew": "אבגהחטכלמנעפצץקשת",
    "arabic": "جحخسصضطعفقكلمني",
    "thai": "กขคงจชซฎฐณดนบปผพฟมยลศสหฬฮ",
    "devanagari": "अकखगघचजझतथधनपफबभमयलवशषस",
    "hiragana": "あいえおかきけさすせそたなにぬねはひふへほまみむめもやゆよわを",
    "katakana": "アイオカキサシタチツナネヒホマミムメモヤルレ",
    "kanji": "人木水火山川田雨車馬鳥魚東西南北花草海空心手足門",
    "hangul": "가나다라마바사자차카타파하한글국물불산강",
}

SCRIPT_OF = {
    character: script for script, text in SCRIPTS.items() for character in text
}

# Fonts that draw something else than their character table says (small
# capitals, ornaments, boxes, barcodes) or that no reader would recognise.
EXCLUDED_FAMILIES = (
    "D050000L",
    "Joscelyn",
    "KouzanBrushFontSousyo",
    "Linux Biolinum Keyboard O",
    "Standard Symbols PS",
    "flatline",
)

# Families (by first word) that are redrawings of one design, or share glyphs.
# A family is never split between fonts to train on and fonts unseen.
CLONES = (
    "Arimo Cousine Tinos Liberation Nimbus TeX FreeSans FreeSerif FreeMono Nachlieli",
    "DejaVu Hack Arundina Samanata Kalimati Chandas Verana Simple",
    "Lato Carlito",
    "CMU Latin",
    "VL Ume UmePlus M MPLUS IPA IPAGothic IPAPGothic IPAMincho IPAPMincho BIZ",
    "kiloji Konatu",
    "Caladea Cambo",
    "Gargi Jamrul Mitra Sarai Likhan",
    "Nanum NanumGothic NanumMyeongjo NanumBarunGothic NanumSquare NanumSquareRound "
    "NanumSquare_ac NanumGothicCoding NanumBarunpen",
    "David Taamey Ezra",
)
