"""Optimizers that do without torch's compiler: the same steps, and the compiler is there for who wants it."""

import subprocess
import sys

CODE = """
import sys, torch, torch.distributed
from ddlab.training.no_compiler import leave_out

def trained(kind):
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    optimizer = kind(layer.parameters(), lr=0.1, fused=True)
    for _ in range(3):
        optimizer.zero_grad()
        layer(torch.ones(4, 3)).square().sum().backward()
        optimizer.step()
    optimizer.load_state_dict(optimizer.state_dict())
    return layer.weight.detach()

torch.distributed.init_process_group("gloo", rank=0, world_size=1, store=torch.distributed.HashStore())
leave_out()
torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(3, 2))(torch.ones(4, 3)).sum().backward()
kinds = torch.optim.SGD, torch.optim.Adam
before = [trained(kind) for kind in kinds]
assert not [name for name in sys.modules if name.startswith("torch._dynamo.")], "torch imports its compiler"
assert "sympy" not in sys.modules
assert not hasattr(sys.modules["torch._dynamo"], "__file__") and "sympy" not in sys.modules, "inspect asks all for it"
from torch._dynamo.utils import counters
assert torch._dynamo.utils.counters is counters and "sympy" in sys.modules
leave_out()  # too late, and so without effect
assert torch._dynamo.utils.counters is counters
compiled = torch.compile(lambda x: x + 1, backend="eager")
assert compiled(torch.ones(1)) == 2
assert all(torch.equal(a, trained(kind)) for a, kind in zip(before, kinds)), "other steps"
"""


def test_steps_are_the_same_and_the_compiler_comes_when_it_is_used():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
