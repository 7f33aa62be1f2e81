"""What each setting of the service means, in both languages: said by `jinheng config show` and held against the guide.

Nothing is read here; `settings` does that.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from api.settings import ServiceSettings
from optimizer.wording import Language, Text

MEANINGS: dict[str, Text] = {
    "database": Text("数据库: sqlite:///文件 或 postgresql://...", "the database: sqlite:///FILE or postgresql://..."),
    "host": Text(
        "监听的地址; 有管理员之前只能是本机",
        "the address to listen on; only this machine until there is an administrator",
    ),
    "port": Text("监听的端口", "the port to listen on"),
    "workers": Text("服务进程数", "server processes"),
    "planners": Text(
        "每个服务进程的计算进程数, 默认每核一个; 0 为在服务进程的线程中计算",
        "processes of each server that make plans, by default one a core; 0: a thread of the server",
    ),
    "plan_seconds": Text(
        "方案的计算时限 (秒); 更长的请用后台任务", "seconds that a plan may take; jobs may take as long as they need"
    ),
    "body_bytes": Text("请求体的上限 (字节)", "bytes that a request's body may have"),
    "evidence_bytes": Text("证明文件的上限 (字节)", "bytes that a file of evidence may have"),
    "rate_per_second": Text(
        "每个密钥、会话或未登录地址每秒的请求数",
        "requests a second of one key, session, or address that has not signed in",
    ),
    "rate_burst": Text("可一次发来的请求数", "requests that may come at once"),
    "log_level": Text("日志级别: debug, info, warning, error", "what is logged: debug, info, warning or error"),
    "log_format": Text(
        "日志格式: json, text; auto 在终端为 text, 否则为 json", "json, text, or auto: text at a terminal, else json"
    ),
    "secure_cookies": Text(
        "Cookie 只经 HTTPS; 他人可访问服务时应打开", "cookies only over HTTPS: set it wherever others reach the service"
    ),
    "worker": Text("serve 同时启动后台任务的执行进程", "serve also starts a worker for jobs"),
    "worker_slots": Text("执行进程同时做的任务数", "jobs that a worker does at once"),
    "worker_lost_seconds": Text(
        "执行进程多少秒没有消息即视为失联, 由其他进程接手",
        "seconds of silence after which others take over a worker's jobs",
    ),
    "shutdown_seconds": Text(
        "停止时留给进行中请求的秒数", "seconds that requests get to finish in when the service stops"
    ),
    "drain_seconds": Text(
        "停止前仍接受请求而 /readyz 已答 503 的秒数, 供负载均衡移出",
        "seconds in which /readyz says 503 and requests are still taken, so that a balancer sends them elsewhere",
    ),
    "request_seconds": Text(
        "请求头与请求体须在此秒数内到齐", "seconds in which a request must have arrived, head and body"
    ),
    "busy_seconds": Text(
        "等待数据库的锁或连接的秒数, 超过即答 503", "seconds that a request waits for a lock of the database; then 503"
    ),
    "trusted_proxies": Text(
        "可信反向代理的地址, 以逗号分隔; 信其 X-Forwarded-For 与 -Proto",
        "addresses of proxies, parted by commas, whose X-Forwarded-For and -Proto are believed",
    ),
}
SOURCES = {
    "option": Text("命令行选项", "option"),
    "environment": Text("环境变量", "environment"),
    "": Text("默认值", "default"),
}
_PASSWORD = re.compile(r"(://[^:@/]*:).*@")
_PASSWORD_OPTION = re.compile(r"([?&][^=&]*pass[^=&]*=)[^&]*")


def masked(address: str) -> str:
    """A database's address without its passwords."""
    return _PASSWORD_OPTION.sub(r"\1***", _PASSWORD.sub(r"\1***@", address))


def shown_settings(known: ServiceSettings, sources: Mapping[str, str], lang: Language) -> list[dict[str, Any]]:
    """Every setting: its variable, its value, where that comes from, and what it means."""
    shown = []
    for field in fields(ServiceSettings):
        value = getattr(known, field.name)
        shown.append(
            {
                "name": field.name,
                "variable": f"JINHENG_{field.name.upper()}",
                "value": masked(value) if field.name == "database" else value,
                "source": SOURCES[sources.get(field.name, "")].say(lang),
                "meaning": MEANINGS[field.name].say(lang),
            }
        )
    return shown
