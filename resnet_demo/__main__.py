from resnet_demo.cli.main import main

raise SystemExit(main())
