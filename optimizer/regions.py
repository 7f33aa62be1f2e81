"""Regions: what people write for a place, and its one canonical code.

    "14"        a province (GB/T 2260, first two digits)          山西, 山西省, 晋, Shanxi, 140000
    "140100"    below a province (GB/T 2260, six digits)          太原, 太原市, 山西省太原市, Taiyuan, 1401
    "KE"        abroad (ISO 3166-1, two letters)                  肯尼亚, Kenya
    "CN"        China, province not given

Here live names and codes of places. What a region means for an order of preference lives in the rule packs.
"""

from collections.abc import Iterator
from functools import cache

from optimizer.wording import Language, Text

PROVINCES: dict[str, tuple[str, str, str, str]] = {
    # code: long name, short name, one-character name, English name
    "11": ("北京市", "北京", "京", "Beijing"),
    "12": ("天津市", "天津", "津", "Tianjin"),
    "13": ("河北省", "河北", "冀", "Hebei"),
    "14": ("山西省", "山西", "晋", "Shanxi"),
    "15": ("内蒙古自治区", "内蒙古", "蒙", "Inner Mongolia"),
    "21": ("辽宁省", "辽宁", "辽", "Liaoning"),
    "22": ("吉林省", "吉林", "吉", "Jilin"),
    "23": ("黑龙江省", "黑龙江", "黑", "Heilongjiang"),
    "31": ("上海市", "上海", "沪", "Shanghai"),
    "32": ("江苏省", "江苏", "苏", "Jiangsu"),
    "33": ("浙江省", "浙江", "浙", "Zhejiang"),
    "34": ("安徽省", "安徽", "皖", "Anhui"),
    "35": ("福建省", "福建", "闽", "Fujian"),
    "36": ("江西省", "江西", "赣", "Jiangxi"),
    "37": ("山东省", "山东", "鲁", "Shandong"),
    "41": ("河南省", "河南", "豫", "Henan"),
    "42": ("湖北省", "湖北", "鄂", "Hubei"),
    "43": ("湖南省", "湖南", "湘", "Hunan"),
    "44": ("广东省", "广东", "粤", "Guangdong"),
    "45": ("广西壮族自治区", "广西", "桂", "Guangxi"),
    "46": ("海南省", "海南", "琼", "Hainan"),
    "50": ("重庆市", "重庆", "渝", "Chongqing"),
    "51": ("四川省", "四川", "川", "Sichuan"),
    "52": ("贵州省", "贵州", "黔", "Guizhou"),
    "53": ("云南省", "云南", "滇", "Yunnan"),
    "54": ("西藏自治区", "西藏", "藏", "Xizang"),
    "61": ("陕西省", "陕西", "陕", "Shaanxi"),
    "62": ("甘肃省", "甘肃", "甘", "Gansu"),
    "63": ("青海省", "青海", "青", "Qinghai"),
    "64": ("宁夏回族自治区", "宁夏", "宁", "Ningxia"),
    "65": ("新疆维吾尔自治区", "新疆", "新", "Xinjiang"),
    "71": ("台湾省", "台湾", "台", "Taiwan"),
    "81": ("香港特别行政区", "香港", "港", "Hong Kong"),
    "82": ("澳门特别行政区", "澳门", "澳", "Macao"),
}

SHANXI_CITIES: dict[str, tuple[str, str]] = {
    "140100": ("太原市", "Taiyuan"),
    "140200": ("大同市", "Datong"),
    "140300": ("阳泉市", "Yangquan"),
    "140400": ("长治市", "Changzhi"),
    "140500": ("晋城市", "Jincheng"),
    "140600": ("朔州市", "Shuozhou"),
    "140700": ("晋中市", "Jinzhong"),
    "140800": ("运城市", "Yuncheng"),
    "140900": ("忻州市", "Xinzhou"),
    "141000": ("临汾市", "Linfen"),
    "141100": ("吕梁市", "Lüliang"),
}

OTHER_NAMES: dict[str, str] = {
    "neimongol": "15",
    "neimenggu": "15",
    "tibet": "54",
    "congothedemocraticrepublicofthe": "CD",
    "macau": "82",
    "taiwanprovinceofchina": "71",
    "hongkongsar": "81",
    "macaosar": "82",
    "xinjianguygur": "65",
    "xinjianguyghur": "65",
    "guangxizhuang": "45",
    "ningxiahui": "64",
    "lvliang": "141100",
    "luliang": "141100",
    "中华人民共和国": "CN",
    "全国": "CN",
    "peoplesrepublicofchina": "CN",
    "prchina": "CN",
    "prc": "CN",
    "tw": "71",
    "hk": "81",
    "mo": "82",
    "臺灣": "71",
    "usa": "US",
    "unitedstates": "US",
    "uk": "GB",
    "britain": "GB",
    "greatbritain": "GB",
    "vietnam": "VN",
    "turkey": "TR",
    "turkiye": "TR",
    "korea": "KR",
    "republicofkorea": "KR",
    "laos": "LA",
    "burma": "MM",
    "ivorycoast": "CI",
    "capeverde": "CV",
    "swaziland": "SZ",
    "macedonia": "MK",
    "czechrepublic": "CZ",
    "russianfederation": "RU",
    "tanzaniaunitedrepublicof": "TZ",
    "unitedrepublicoftanzania": "TZ",
    "boliviaplurinationalstateof": "BO",
    "venezuelabolivarianrepublicof": "VE",
    "iranislamicrepublicof": "IR",
    "congo": "CG",
    "drc": "CD",
    "congodemocraticrepublicofthe": "CD",
    "thegambia": "GM",
    "syrianarabrepublic": "SY",
    "bruneidarussalam": "BN",
    "holland": "NL",
    "moldovarepublicof": "MD",
    "韩": "KR",
    "大韩民国": "KR",
    "阿联酋": "AE",
    "沙特": "SA",
    "波黑": "BA",
    "刚果金": "CD",
    "刚果布": "CG",
    "多米尼加": "DO",
    "俄国": "RU",
    "蒙古": "MN",
    "韩国": "KR",
}

COUNTRIES_TEXT = """
AD 安道尔 Andorra;AE 阿拉伯联合酋长国 United Arab Emirates;AF 阿富汗 Afghanistan
AG 安提瓜和巴布达 Antigua and Barbuda;AL 阿尔巴尼亚 Albania;AM 亚美尼亚 Armenia;AO 安哥拉 Angola;AR 阿根廷 Argentina
AT 奥地利 Austria;AU 澳大利亚 Australia;AW 阿鲁巴 Aruba;AZ 阿塞拜疆 Azerbaijan
BA 波斯尼亚和黑塞哥维那 Bosnia and Herzegovina;BB 巴巴多斯 Barbados;BD 孟加拉国 Bangladesh;BE 比利时 Belgium
BF 布基纳法索 Burkina Faso;BG 保加利亚 Bulgaria;BH 巴林 Bahrain;BI 布隆迪 Burundi;BJ 贝宁 Benin;BM 百慕大 Bermuda
BN 文莱 Brunei;BO 玻利维亚 Bolivia;BR 巴西 Brazil;BS 巴哈马 Bahamas;BT 不丹 Bhutan;BW 博茨瓦纳 Botswana
BY 白俄罗斯 Belarus;BZ 伯利兹 Belize;CA 加拿大 Canada;CD 刚果民主共和国 Democratic Republic of the Congo
CF 中非共和国 Central African Republic;CG 刚果共和国 Republic of the Congo;CH 瑞士 Switzerland
CI 科特迪瓦 Côte d'Ivoire;CL 智利 Chile;CM 喀麦隆 Cameroon;CN 中国 China;CO 哥伦比亚 Colombia
CR 哥斯达黎加 Costa Rica;CU 古巴 Cuba;CV 佛得角 Cabo Verde;CW 库拉索 Curaçao;CY 塞浦路斯 Cyprus;CZ 捷克 Czechia
DE 德国 Germany;DJ 吉布提 Djibouti;DK 丹麦 Denmark;DM 多米尼克 Dominica;DO 多米尼加共和国 Dominican Republic
DZ 阿尔及利亚 Algeria;EC 厄瓜多尔 Ecuador;EE 爱沙尼亚 Estonia;EG 埃及 Egypt;ER 厄立特里亚 Eritrea;ES 西班牙 Spain
ET 埃塞俄比亚 Ethiopia;FI 芬兰 Finland;FJ 斐济 Fiji;FM 密克罗尼西亚 Micronesia;FR 法国 France;GA 加蓬 Gabon
GB 英国 United Kingdom;GD 格林纳达 Grenada;GE 格鲁吉亚 Georgia;GF 法属圭亚那 French Guiana;GH 加纳 Ghana
GL 格陵兰 Greenland;GM 冈比亚 Gambia;GN 几内亚 Guinea;GP 瓜德罗普 Guadeloupe;GQ 赤道几内亚 Equatorial Guinea
GR 希腊 Greece;GT 危地马拉 Guatemala;GU 关岛 Guam;GW 几内亚比绍 Guinea-Bissau;GY 圭亚那 Guyana;HN 洪都拉斯 Honduras
HR 克罗地亚 Croatia;HT 海地 Haiti;HU 匈牙利 Hungary;ID 印度尼西亚 Indonesia;IE 爱尔兰 Ireland;IL 以色列 Israel
IN 印度 India;IQ 伊拉克 Iraq;IR 伊朗 Iran;IS 冰岛 Iceland;IT 意大利 Italy;JM 牙买加 Jamaica;JO 约旦 Jordan
JP 日本 Japan;KE 肯尼亚 Kenya;KG 吉尔吉斯斯坦 Kyrgyzstan;KH 柬埔寨 Cambodia;KI 基里巴斯 Kiribati;KM 科摩罗 Comoros
KN 圣基茨和尼维斯 Saint Kitts and Nevis;KP 朝鲜 North Korea;KR 韩国 South Korea;KW 科威特 Kuwait
KY 开曼群岛 Cayman Islands;KZ 哈萨克斯坦 Kazakhstan;LA 老挝 Lao PDR;LB 黎巴嫩 Lebanon;LC 圣卢西亚 Saint Lucia
LI 列支敦士登 Liechtenstein;LK 斯里兰卡 Sri Lanka;LR 利比里亚 Liberia;LS 莱索托 Lesotho;LT 立陶宛 Lithuania
LU 卢森堡 Luxembourg;LV 拉脱维亚 Latvia;LY 利比亚 Libya;MA 摩洛哥 Morocco;MC 摩纳哥 Monaco;MD 摩尔多瓦 Moldova
ME 黑山 Montenegro;MG 马达加斯加 Madagascar;MH 马绍尔群岛 Marshall Islands;MK 北马其顿 North Macedonia;ML 马里 Mali
MM 缅甸 Myanmar;MN 蒙古国 Mongolia;MQ 马提尼克 Martinique;MR 毛里塔尼亚 Mauritania;MT 马耳他 Malta
MU 毛里求斯 Mauritius;MV 马尔代夫 Maldives;MW 马拉维 Malawi;MX 墨西哥 Mexico;MY 马来西亚 Malaysia
MZ 莫桑比克 Mozambique;NA 纳米比亚 Namibia;NC 新喀里多尼亚 New Caledonia;NE 尼日尔 Niger;NG 尼日利亚 Nigeria
NI 尼加拉瓜 Nicaragua;NL 荷兰 Netherlands;NO 挪威 Norway;NP 尼泊尔 Nepal;NR 瑙鲁 Nauru;NZ 新西兰 New Zealand
OM 阿曼 Oman;PA 巴拿马 Panama;PE 秘鲁 Peru;PF 法属波利尼西亚 French Polynesia;PG 巴布亚新几内亚 Papua New Guinea
PH 菲律宾 Philippines;PK 巴基斯坦 Pakistan;PL 波兰 Poland;PR 波多黎各 Puerto Rico;PS 巴勒斯坦 Palestine
PT 葡萄牙 Portugal;PW 帕劳 Palau;PY 巴拉圭 Paraguay;QA 卡塔尔 Qatar;RE 留尼汪 Réunion;RO 罗马尼亚 Romania
RS 塞尔维亚 Serbia;RU 俄罗斯 Russia;RW 卢旺达 Rwanda;SA 沙特阿拉伯 Saudi Arabia;SB 所罗门群岛 Solomon Islands
SC 塞舌尔 Seychelles;SD 苏丹 Sudan;SE 瑞典 Sweden;SG 新加坡 Singapore;SI 斯洛文尼亚 Slovenia;SK 斯洛伐克 Slovakia
SL 塞拉利昂 Sierra Leone;SM 圣马力诺 San Marino;SN 塞内加尔 Senegal;SO 索马里 Somalia;SR 苏里南 Suriname
SS 南苏丹 South Sudan;ST 圣多美和普林西比 São Tomé and Príncipe;SV 萨尔瓦多 El Salvador;SY 叙利亚 Syria
SZ 斯威士兰 Eswatini;TD 乍得 Chad;TG 多哥 Togo;TH 泰国 Thailand;TJ 塔吉克斯坦 Tajikistan;TL 东帝汶 Timor-Leste
TM 土库曼斯坦 Turkmenistan;TN 突尼斯 Tunisia;TO 汤加 Tonga;TR 土耳其 Türkiye;TT 特立尼达和多巴哥 Trinidad and Tobago
TV 图瓦卢 Tuvalu;TZ 坦桑尼亚 Tanzania;UA 乌克兰 Ukraine;UG 乌干达 Uganda;US 美国 United States of America
UY 乌拉圭 Uruguay;UZ 乌兹别克斯坦 Uzbekistan;VA 梵蒂冈 Holy See
VC 圣文森特和格林纳丁斯 Saint Vincent and the Grenadines;VE 委内瑞拉 Venezuela;VN 越南 Viet Nam;VU 瓦努阿图 Vanuatu
WS 萨摩亚 Samoa;XK 科索沃 Kosovo;YE 也门 Yemen;ZA 南非 South Africa;ZM 赞比亚 Zambia;ZW 津巴布韦 Zimbabwe
"""
"""ISO 3166-1: code, Chinese name, English name. SX (Sint Maarten) is left out: here people mean Shanxi by it."""

COUNTRIES: dict[str, Text] = {
    entry[:2]: Text(entry[3:].split(" ", 1)[0], entry[3:].split(" ", 1)[1])
    for entry in COUNTRIES_TEXT.strip().replace("\n", ";").split(";")
}

ENGLISH_SUFFIXES = ("province", "city", "municipality", "autonomousregion", "sar")

_TO_HALF_WIDTH = {0xFF01 + i: 0x21 + i for i in range(94)}
_WITHOUT_ACCENTS = str.maketrans("üôçéãíúáóñ", "uoceaiuaon")


def region_code(text: str) -> str | None:
    """The canonical code of what a person wrote for a place; None when it is not known.

    Any six-digit code under a known province is accepted, because counties change every year.
    """
    key = _key(text)
    if key.isascii() and key.isdigit():
        return _from_digits(key)
    return _from_name(key) or _from_name(key.removeprefix("中国").removeprefix("中华人民共和国"))


def province_of(code: str) -> str:
    """The province (two digits) or country (two letters) that a canonical code lies in; "" stays ""."""
    return code[:2]


def region_name(code: str, lang: Language) -> str:
    """The name of a canonical code; below a province that has no name here, the province and the code."""
    if code in SHANXI_CITIES:
        return SHANXI_CITIES[code][0 if lang == "zh" else 1]
    if code in COUNTRIES:
        return COUNTRIES[code].say(lang)
    province = PROVINCES.get(province_of(code))
    if province is None:
        return code
    name = province[0 if lang == "zh" else 3]
    return name if len(code) == 2 else f"{name} {code}"


@cache
def region_names() -> tuple[str, ...]:
    """Every name that `region_code` knows in its usual spelling, for suggestions."""
    provinces = [name for names in PROVINCES.values() for name in (names[0], names[1], names[3])]
    cities = [name for names in SHANXI_CITIES.values() for name in names]
    return (*provinces, *cities, *(name for names in COUNTRIES.values() for name in names))


def _key(text: str) -> str:
    """Lower case, half width, without accents, spaces and punctuation."""
    half = text.translate(_TO_HALF_WIDTH).casefold().translate(_WITHOUT_ACCENTS)
    return "".join(c for c in half if c.isalnum())


def _from_digits(digits: str) -> str | None:
    if len(digits) not in (2, 4, 6) or digits[:2] not in PROVINCES:
        return None
    code = digits.ljust(6, "0")
    return code[:2] if code[2:] == "0000" else code


def _from_name(key: str) -> str | None:
    names = _codes_by_name()
    if key in names:
        return names[key]
    for suffix in ENGLISH_SUFFIXES:
        if key.endswith(suffix) and key.removesuffix(suffix) in names:
            return names[key.removesuffix(suffix)]
    return None


@cache
def _codes_by_name() -> dict[str, str]:
    return {_key(name): code for name, code in _named()} | OTHER_NAMES


def _named() -> Iterator[tuple[str, str]]:
    for code, names in COUNTRIES.items():
        yield from ((name, code) for name in (code, *names))
    for code, names_of_province in PROVINCES.items():
        yield from ((name, code) for name in names_of_province)
    shanxi = PROVINCES["14"]
    for code, (zh, en) in SHANXI_CITIES.items():
        yield from ((name, code) for name in (zh, zh.removesuffix("市"), en, f"{en} Shanxi", f"Shanxi {en}"))
        yield from ((province + city, code) for province in shanxi[:2] for city in (zh, zh.removesuffix("市")))
