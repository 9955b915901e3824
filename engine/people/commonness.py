"""Which passwords anybody would try first: the lists that zxcvbn keeps, and what people in China choose.

Both are read as a guesser does: letters that digits stand for, a year or a row of digits behind a word, a birthday, a
telephone number, a word typed twice.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

MOST = 30_000  # passwords of zxcvbn's list, the commonest first
_SIMPLE = str.maketrans("013457@$!", "oieastasi")
_NUMBERS = re.compile(
    r"(1[3-9]\d{9}"  # a mobile number
    r"|(19|20)\d{2}(0?[1-9]|1[0-2])(0?[1-9]|[12]\d|3[01])"  # a day of birth
    r"|(19|20)\d{2}|\d{0,4}|(\d)\5*|(123|1234|12345|123456|1234567|12345678|123456789|1234567890)"
    r"|520|521|1314|5201314|1314520|5211314|5201314520|666|888|168|518|147258|147258369|159357|112233|123321|321)"
)
_WORDS = frozenset(
    """woaini woaiwojia woaizhongguo woaizuguo zhongguo beijing shanghai hangzhou ningbo zhejiang daxue xuexiao
    jiaoshou laoshi xuesheng gonghui zhugonghui yixing admin administrator root guest user test demo mima wodemima
    password passwd pass welcome letmein changeme qwerty qwertyui qwertyuiop asdf asdfgh asdfghjkl zxcvbn zxcvbnm
    qazwsx qazwsxedc wsxedc abc abcd abcdef abcdefg a aa aaa q w qq wx weixin taobao baobao baobei laogong laopo
    xiaoming nihao nihaoma aini iloveyou love tiantian xiangxiang meili kaixin kuaile xingfu facai gongxifacai
    shengri shengrikuaile jiayou mima mimamima pw pwd wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu
    hu lin guo he gao luo zheng liang xie song tang deng han feng cao peng zeng xiao tian dong pan yuan cai jiang
    yu du ye cheng wei su lu ding ren yao shen zhong cui tan fan lu jin shi dai jia xia qiu fang hou zou xiong meng
    qin bai jiangsu ximen zhangwei wangwei wangfang liwei lina zhangmin lijing wangjing liuwei wangxiuying zhangli
    lixiuying wangli zhangjing zhangxiuying liqiang wangmin limin wanglei liuyang wangyan wangyong lijun zhangyong
    lijie zhangjie zhanglei wangqiang lijuan wangjun zhangyan zhangtao wangtao liyan wangchao liming liyong wangjuan
    liujie liumin lixia lili zhangjun wangjie zhangqiang wanggang wangping liufang liuyan liujun liping wanghui
    chenjing liuyong liling liguiying danwei xiaoyuan""".split()  # noqa: SIM905
)


@lru_cache(maxsize=1)
def _listed() -> frozenset[str]:
    from zxcvbn.frequency_lists import (
        FREQUENCY_LISTS,  # a large file: only where a password is chosen
    )

    return frozenset(FREQUENCY_LISTS["passwords"][:MOST])


def is_common(password: str) -> bool:
    """Is it on the list, or made as people make them? `password` in any case."""
    plain = password.casefold()
    half = plain[: len(plain) // 2]
    tried = {plain, plain.translate(_SIMPLE), plain[::-1]}
    if len(plain) % 2 == 0 and plain == half + half:
        tried.add(half)
    return any(each in _listed() or _is_habit(each) for each in tried)


def _is_habit(plain: str) -> bool:
    """One known word, if any, with numbers that everybody knows before, behind or around it."""
    if len(set(plain)) <= 2 or _is_row(plain):
        return True
    before, word, behind = _parts(plain)
    known = not word or word in _WORDS
    return known and all(_NUMBERS.fullmatch(number) for number in (before, behind))


def _parts(plain: str) -> tuple[str, str, str]:
    """Digits, what is between, digits; marks between and after them do not count."""
    bare = re.sub(r"[\W_]", "", plain)
    word = bare.strip("0123456789")
    if not word:
        return bare, "", ""
    before, _word, behind = bare.partition(word)
    return before, word, behind


def _is_row(plain: str) -> bool:
    """Each character follows the one before it: 12345678, 87654321, abcdefgh."""
    steps = {ord(b) - ord(a) for a, b in itertools.pairwise(plain)}
    return len(steps) == 1
