"""The llama block as the `llama` row of the engine computes it; runs on torch 1.13 (processor) and torch 2 (GPU)."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from settings import VOCAB_SIZE

EPSILON = 1e-5
ROPE_BASE = 10000.0


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        wide = x.float()
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + EPSILON) * self.weight).to(x.dtype)


def rope_table(length, head_width):
    """cos and sin [2, length, head_width / 2] for pairs of adjacent values, so that export need not permute."""
    frequency = ROPE_BASE ** (-torch.arange(0, head_width, 2, dtype=torch.float64) / head_width)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
    return torch.stack((angle.cos(), angle.sin())).float()


def rotate(x, table):
    cos, sin = table[0, None, :, None, :], table[1, None, :, None, :]
    pairs = x.float().unflatten(-1, (-1, 2))
    a, b = pairs[..., 0], pairs[..., 1]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2).to(x.dtype)


def attend(q, k, v):
    """q, k, v [batch, heads, length, head width], causal."""
    if q.is_cuda:  # torch 1.13 lacks it, and on processors later ones refuse bf16 without the right instructions
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    length = q.shape[2]
    later = torch.full((length, length), -math.inf, device=q.device).triu(1)
    scores = q @ k.transpose(-1, -2)
    return torch.add(later, scores, alpha=q.shape[-1] ** -0.5).softmax(-1).to(v.dtype) @ v


class Block(nn.Module):
    def __init__(self, row):
        super().__init__()
        self.row = row
        self.head_width = row.width // row.heads
        kv_width = row.kv_heads * self.head_width
        self.attn_norm = Norm(row.width)
        self.attn_q = nn.Linear(row.width, row.width, bias=False)
        self.attn_k = nn.Linear(row.width, kv_width, bias=False)
        self.attn_v = nn.Linear(row.width, kv_width, bias=False)
        self.attn_output = nn.Linear(row.width, row.width, bias=False)
        self.ffn_norm = Norm(row.width)
        self.ffn_gate = nn.Linear(row.width, row.ff, bias=False)
        self.ffn_up = nn.Linear(row.width, row.ff, bias=False)
        self.ffn_down = nn.Linear(row.ff, row.width, bias=False)

    def forward(self, x, table):
        batch, length, _ = x.shape
        a = self.attn_norm(x)
        q, k, v = (w(a).view(batch, length, -1, self.head_width) for w in (self.attn_q, self.attn_k, self.attn_v))
        q, k = rotate(q, table), rotate(k, table)
        share = self.row.heads // self.row.kv_heads
        k, v = (t.repeat_interleave(share, dim=2) for t in (k, v))
        o = attend(*(t.transpose(1, 2) for t in (q, k, v))).transpose(1, 2).reshape(batch, length, -1)
        x = x + F.dropout(self.attn_output(o), self.row.dropout, self.training)
        a = self.ffn_norm(x)
        y = self.ffn_down(F.silu(self.ffn_gate(a).float()) * self.ffn_up(a))
        return x + F.dropout(y, self.row.dropout, self.training)


class Model(nn.Module):
    """The state's names are the tensor names of the GGUF file, but for `blk.N` where the dot makes a list."""

    def __init__(self, row):
        super().__init__()
        self.row = row
        self.token_embd = nn.Embedding(VOCAB_SIZE, row.width)
        self.blk = nn.ModuleList(Block(row) for _ in range(row.layers))
        self.output_norm = Norm(row.width)
        self.register_buffer("rope", rope_table(row.context, row.width // row.heads), persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                onto_stream = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * row.layers) if onto_stream else 0.02)

    def forward(self, ids, blocks=None):
        """What the output matrix reads, [batch, length, width], of ids [batch, length]. `blocks`: `blk`, compiled."""
        table = self.rope[:, :ids.shape[1]]
        x = self.token_embd(ids)
        for block in blocks or self.blk:
            x = block(x, table)
        return self.output_norm(x)

    def logits(self, ids, blocks=None):
        """[batch, length, vocabulary]; the embedding is the output matrix too."""
        return F.linear(self(ids, blocks), self.token_embd.weight)

    def matrices_and_others(self):
        """Two lists of parameters: the matrices of the blocks, and embedding and norms."""
        named = list(self.named_parameters())
        matrices = [p for n, p in named if p.dim() == 2 and n != "token_embd.weight"]
        return matrices, [p for n, p in named if p.dim() == 1 or n == "token_embd.weight"]
