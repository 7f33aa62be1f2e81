"""What was done, in words, and where the thing is that it was done to."""

from urllib.parse import quote

from optimizer.wording import Text

ACTIONS: dict[str, Text] = {
    "organisation.add": Text("新建单位", "organisation added"),
    "organisation.set": Text("设定单位", "organisation set"),
    "organisation.rename": Text("单位改名", "organisation renamed"),
    "user.add": Text("新建用户", "user added"),
    "user.change": Text("修改用户", "user changed"),
    "user.password": Text("修改密码", "password changed"),
    "key.add": Text("新建密钥", "key made"),
    "key.revoke": Text("撤销密钥", "key revoked"),
    "session.open": Text("登录", "signed in"),
    "session.end": Text("退出", "signed out"),
    "snapshot.keep": Text("保存市场", "market kept"),
    "snapshot.correct": Text("更正市场", "market corrected"),
    "event.keep": Text("保存活动", "event kept"),
    "policy.keep": Text("保存规则包", "rule pack kept"),
    "scenario_set.keep": Text("保存情景集", "scenario set kept"),
    "plan.make": Text("生成方案", "plan made"),
    "job.accept": Text("接受任务", "job accepted"),
    "job.done": Text("任务完成", "job done"),
    "job.failed": Text("任务失败", "job failed"),
    "job.cancel": Text("要求取消任务", "cancelling a job asked for"),
    "job.cancelled": Text("任务已取消", "job cancelled"),
    "inventory.import": Text("导入库存", "inventory imported"),
    "inventory.adjust": Text("调整库存", "inventory adjusted"),
    "quote.make": Text("报价", "quote made"),
    "quote.accept": Text("客户接受报价", "quote accepted by its client"),
    "quote.decline": Text("客户拒绝报价", "quote declined by its client"),
    "quote.reopen": Text("客户撤销拒绝", "client took declining back"),
    "received_quote.accept": Text("接受收到的报价", "received quote accepted"),
    "received_quote.decline": Text("拒绝收到的报价", "received quote declined"),
    "received_quote.reopen": Text("撤销对报价的拒绝", "declining a received quote taken back"),
    "hold.take": Text("预留", "held"),
    "hold.release": Text("释放预留", "hold released"),
    "hold.expire": Text("预留到期", "hold expired"),
    "order.accept": Text("接受订单", "order accepted"),
    "order.fill": Text("交付", "delivered"),
    "order.cancel": Text("取消订单余量", "rest of an order cancelled"),
    "retirement.instruct": Text("生成注销指令", "retirement instructed"),
    "retirement.serials": Text("填写注销编号", "serials entered"),
    "retirement.release": Text("移除注销编号", "serials given free"),
    "retirement.evidence": Text("上传证明文件", "evidence added"),
    "retirement.retire": Text("标为已注销", "marked as cancelled in its registry"),
    "retirement.cancel": Text("取消注销指令", "retirement called off"),
    "disclosure.build": Text("生成公示", "disclosure made"),
    "disclosure.publish": Text("公示", "disclosure published"),
}
"""Action of the trail -> its words."""
WAYS = {
    "key": Text("密钥", "key"),
    "session": Text("登录", "session"),
    "local": Text("本机", "this machine"),
    "command": Text("命令行", "command line"),
    "job": Text("后台任务", "job"),
    "client": Text("客户", "client"),
}
"""How somebody came in -> its words."""
_PLACES = {
    "plan": "/plans",
    "event": "/events",
    "job": "/jobs",
    "quote": "/quotes",
    "received_quote": "/received-quotes",
    "order": "/orders",
    "retirement": "/retirements",
    "disclosure": "/disclosures",
}


def address_of(action: str, thing: str) -> str:
    """The page of the thing that something was done to; "" where it has none."""
    place = _PLACES.get(action.partition(".")[0], "")
    # What was instructed is named by its event and offer, not by an id.
    return f"{place}/{quote(thing, safe='')}" if place and thing and action != "retirement.instruct" else ""
