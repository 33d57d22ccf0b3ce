"""Training steps in PyTorch, one thread: the works of `coarsegrad bench train`, with quantization simulated in float.

python3 bench/peers/torch_steps.py                 each work, one JSON object a line
python3 bench/peers/torch_steps.py --serve         answers {"work": ..., "calls": n} with {"ms": ...}, line by line
python3 bench/peers/torch_steps.py --memory WORK   kilobytes before and after some steps
"""

import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
# One batch learned by heart has gradients below the normal range, which would slow PyTorch down many times.
torch.set_flush_denormal(True)
BATCH = 128
RHO = 1e-5


class Binarize(torch.autograd.Function):
    """sign(w) * mean|w|; the gradient at the quantized weights goes to the float ones as it is."""

    @staticmethod
    def forward(ctx, w):
        delta = w.abs().mean()
        return torch.where(w >= 0, delta, -delta)

    @staticmethod
    def backward(ctx, dy):
        return dy


class Staircase(torch.autograd.Function):
    """alpha * clamp(ceil(x / alpha), 0, 15), clipped-ReLU proxy, three-valued rule for alpha."""

    @staticmethod
    def forward(ctx, x, alpha, top):
        ctx.save_for_backward(x, alpha)
        ctx.top = top
        return torch.ceil(x / alpha).clamp_(0, top).mul_(alpha)

    @staticmethod
    def backward(ctx, dy):
        x, alpha = ctx.saved_tensors
        edge = ctx.top * alpha
        above = x > edge
        inside = (x > 0) & ~above
        dalpha = (dy * torch.where(above, float(ctx.top), inside * ((ctx.top + 1) / 2))).sum()
        return dy * inside, dalpha, None


class Step(nn.Module):
    def __init__(self, bits=4):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(0.5))
        self.top = 2**bits - 1

    def forward(self, x):
        return Staircase.apply(x, self.alpha, self.top)


class BinaryConv(nn.Conv2d):
    def forward(self, x):
        return F.conv2d(x, Binarize.apply(self.weight), self.bias, self.stride, self.padding)


class BinaryLinear(nn.Linear):
    def forward(self, x):
        return F.linear(x, Binarize.apply(self.weight), self.bias)


def parts(quantized):
    """The kinds of layers: convolution, linear, activation."""
    if quantized:
        return BinaryConv, BinaryLinear, Step
    return nn.Conv2d, nn.Linear, nn.ReLU


def lenet5(quantized):
    conv, linear, act = parts(quantized)
    return nn.Sequential(
        conv(1, 32, 5, bias=False), nn.BatchNorm2d(32), act(), nn.MaxPool2d(2),
        conv(32, 64, 5, bias=False), nn.BatchNorm2d(64), act(), nn.MaxPool2d(2),
        nn.Flatten(), linear(1024, 512, bias=False), nn.BatchNorm1d(512), act(), linear(512, 10),
    )


def mlp(quantized):
    _, linear, act = parts(quantized)
    return nn.Sequential(nn.Flatten(), linear(784, 512), act(), linear(512, 512), act(), linear(512, 10))


class Block(nn.Module):
    def __init__(self, quantized, cin, cout, stride):
        super().__init__()
        conv, _, act = parts(quantized)
        self.conv1 = conv(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.act1 = act()
        self.conv2 = conv(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.act2 = act()
        self.extra = cout - cin

    def forward(self, x):
        h = self.bn2(self.conv2(self.act1(self.bn1(self.conv1(x)))))
        if self.extra:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.extra // 2, self.extra // 2))
        return self.act2(h + x)


def resnet20(quantized):
    conv, linear, act = parts(quantized)
    layers = [conv(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), act()]
    cin = 16
    for width in (16, 32, 64):
        for block in range(3):
            layers.append(Block(quantized, cin, width, 2 if block == 0 and width > 16 else 1))
            cin = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear(64, 10))


def vgg11(quantized):
    conv, linear, act = parts(quantized)
    layers, cin = [], 3
    for width in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0):
        if width == 0:
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [conv(cin, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), act()]
            cin = width
    return nn.Sequential(*layers, nn.Flatten(), linear(512, 10))


MODELS = {"mlp": (mlp, (1, 28, 28)), "lenet5": (lenet5, (1, 28, 28)), "resnet20": (resnet20, (3, 32, 32)),
          "vgg11": (vgg11, (3, 32, 32))}
WORKS = ["train mlp float b128", "train lenet5 float b128", "train lenet5 1W4A b128",
         "train resnet20 float b128", "train resnet20 1W4A b128", "train resnet20 1W4A b128 taught",
         "train vgg11 float b128", "train vgg11 1W4A b128"]
TEMPERATURE, SHARE = 4, 0.9


def divergence(student, teacher):
    """T² KL(teacher || student), mean over images."""
    q, p = F.log_softmax(student / TEMPERATURE, 1), F.log_softmax(teacher / TEMPERATURE, 1)
    return TEMPERATURE**2 * F.kl_div(q, p, log_target=True, reduction="batchmean")


def trainee(work):
    """A function that makes one step: forward, backward, SGD; 1W4A blends the weights with their binary form first, and
    `taught` has a float network of the same kind as teacher."""
    _, name, bits, _, *taught = work.split()
    quantized = bits == "1W4A"
    make, shape = MODELS[name]
    torch.manual_seed(1)
    net = make(quantized)
    teacher = make(False).eval() if taught else None
    x = torch.rand(BATCH, *shape)
    y = torch.arange(BATCH) % 10
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    latent = [m.weight for m in net.modules() if isinstance(m, (BinaryConv, BinaryLinear))]

    def step():
        optimizer.zero_grad()
        if teacher is None:
            loss = F.cross_entropy(net(x), y)
        else:
            with torch.no_grad():
                soft = teacher(x)
            logits = net(x)
            loss = (1 - SHARE) * F.cross_entropy(logits, y) + SHARE * divergence(logits, soft)
        loss.backward()
        with torch.no_grad():
            for w in latent:
                w.mul_(1 - RHO).add_(Binarize.apply(w), alpha=RHO)
        optimizer.step()
        value = loss.item()
        assert value == value, "the loss is NaN"

    return step


def measured(step, calls):
    start = time.perf_counter()
    for _ in range(calls):
        step()
    return (time.perf_counter() - start) / calls * 1000


def serve():
    print(json.dumps({"version": torch.__version__}), flush=True)
    steps = {}
    for line in sys.stdin:
        try:
            request = json.loads(line)
            work = request["work"]
            if work not in steps:
                steps.clear()
                steps[work] = trainee(work)
            answer = {"ms": measured(steps[work], request["calls"])}
        except Exception as error:  # the other side reports it
            answer = {"ms": 0, "error": repr(error)}
        print(json.dumps(answer), flush=True)


def memory(work):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    step = trainee(work)
    for _ in range(6):
        step()
    print(json.dumps({"before": before, "after": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


def main():
    if "--serve" in sys.argv:
        serve()
    elif "--memory" in sys.argv:
        memory(sys.argv[-1])
    else:
        for work in WORKS:
            step = trainee(work)
            measured(step, 2)
            times = sorted(measured(step, 1) for _ in range(9))
            ms = times[len(times) // 2]
            print(json.dumps({"work": work, "ms": round(ms, 2), "imagesPerSecond": round(BATCH / ms * 1000, 1)}))


if __name__ == "__main__":
    main()
