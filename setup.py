"""Packaging of reid. `datasets/` and `configs/` stay at the top of the checkout, where people look for
them, and are installed as data of `reid._shipped`, because a top-level package named `datasets` would
collide with Hugging Face's.
"""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
VERSION = "0.1.0"

# Those of Pillow, Jinja2, onnx, h11, Starlette, python-multipart and setuptools are the first without weaknesses that were
# published by the middle of 2026, and FastAPI's the first that takes such a Starlette; docs/faults.md says how to look.
REQUIRED = [
    "torch>=2.11",
    "torchvision>=0.26",
    "timm>=1.0",
    "pytorch-metric-learning>=2.8",
    # Unmaintained upstream, hence the exact version; imported in reid/data/transforms.py only.
    "albumentations==2.0.8",
    'faiss-gpu>=1.14; sys_platform == "linux" and platform_machine == "x86_64"',
    'faiss-cpu>=1.14; sys_platform != "linux" or platform_machine != "x86_64"',
    "opencv-python-headless>=4.10",
    "pillow>=12.2",
    "numpy>=2.0",
    "numba>=0.63",
    "llvmlite",  # the version that numba asks for; two instructions are named to it directly
    "scipy>=1.13",
    "scikit-learn>=1.5",
    "threadpoolctl>=3.1",
    "click>=8.1",
    "jinja2>=3.1.6",
    "pydantic>=2.9",
    "PyYAML>=6.0",
    "rich>=13",
    "safetensors>=0.5",
    "matplotlib>=3.9",
]

EXTRAS = {
    "docs": ["furo>=2025.9", "myst-parser>=5.0", "sphinx>=9.0"],
    "milvus": ["pymilvus>=3.0", "grpcio>=1.60"],
    "onnx": ["onnx>=1.21", "onnxscript>=0.5", "onnxruntime>=1.22"],
    "parquet": ["pyarrow>=16"],
    "serve": [
        "fastapi>=0.133",
        "prometheus-client>=0.20",
        "uvicorn>=0.30",
        "h11>=0.16",
        "python-multipart>=0.0.26",
        "starlette>=1.0.1",
    ],
    "tensorboard": ["tensorboard>=2.17"],
    "umap": ["umap-learn>=0.5.7"],
    "dev": [
        "build>=1.2",
        "fastapi>=0.133",
        "furo>=2025.9",
        "hypothesis>=6.100",
        "mypy>=1.15",
        "myst-parser>=5.0",
        "onnx>=1.21",
        "onnxruntime>=1.22",
        "onnxscript>=0.5",
        "playwright>=1.50",
        "pre-commit>=4.0",
        "prometheus-client>=0.20",
        "pyarrow>=16",
        "pymilvus>=3.0",
        "pytest>=8.3",
        "pytest-timeout>=2.3",
        "pytest-xdist>=3.6",
        "python-multipart>=0.0.26",
        "ruff>=0.11",
        "schemathesis>=4.0",
        "scipy-stubs>=1.14",
        "setuptools>=78.1.1",
        "sphinx>=9.0",
        "tensorboard>=2.17",
        "types-PyYAML>=6.0",
        "uvicorn>=0.30",
    ],
}

COMMANDS = ["data", "train", "eval", "gallery", "embed", "export", "serve"]

setup(
    name="reid-toolkit",
    version=VERSION,
    description="Vehicle and person re-identification with divide-and-conquer metric learning",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=[*find_packages(include=["reid", "reid.*"]), "reid._shipped.datasets", "reid._shipped.configs"],
    package_dir={
        "reid._shipped.datasets": "datasets",
        "reid._shipped.configs": "configs",
    },
    package_data={
        "reid": ["py.typed"],
        "reid.report": ["page.html"],
        "reid.serve": ["page/*"],
        "reid._shipped.datasets": ["*.yaml", "README.md"],
        "reid._shipped.configs": ["*.yaml"],
    },
    install_requires=REQUIRED,
    extras_require=EXTRAS,
    entry_points={"console_scripts": [f"reid-{name} = reid.cli.{name}:main" for name in COMMANDS]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Intended Audience :: Developers",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
)
